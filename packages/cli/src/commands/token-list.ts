import { command } from '../command.ts';
import { labelText, stateText } from '../print/words.ts';

export const tokenList = command({
  name: 'token list',
  summary: 'list the join tokens',
  examples: [
    { line: 'torchpass token list', shows: 'every token and whether it can still be used' },
    {
      line: `torchpass token list --output json | jq -r '.tokens[] | select(.state == "usable") | .id'`,
      shows: 'the identifiers of those that can',
    },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.listTokens(),
  print({ tokens }, page) {
    if (tokens.length === 0) return page.line('There are no join tokens. Make one with "torchpass token create".');
    page.table(
      [
        { title: 'id', value: (token) => token.id },
        { title: 'state', value: (token) => stateText(token.state, page.colors) },
        { title: 'uses', value: (token) => `${token.uses}/${token.maxUses}`, align: 'right' },
        { title: 'expires', value: (token) => page.relative(token.expiresAt) },
        { title: 'job', value: (token) => token.job ?? '-' },
        { title: 'labels', value: (token) => labelText(token.labels) },
        { title: 'host name', value: (token) => token.hostName ?? '-' },
        { title: 'note', value: (token) => token.note },
      ],
      tokens,
    );
  },
});
