import { command } from '../command.ts';
import { printAuthorities } from './authority-fields.ts';

export const caList = command({
  name: 'ca list',
  summary: 'list the authorities, and what their rotations wait for',
  examples: [
    { line: 'torchpass ca list', shows: 'state, end and key of each, and the hosts that block a rotation' },
    {
      line: `torchpass ca list --output json | jq -r '.rotations[].blockers[].name'`,
      shows: 'who blocks, for scripts; authorities that are gone are listed too',
    },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.listAuthorities(),
  print: printAuthorities,
});
