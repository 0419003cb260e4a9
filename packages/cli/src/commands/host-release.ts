import { command } from '../command.ts';
import { requiredArgument } from '../option.ts';
import { hostName } from './host-name.ts';

export const hostRelease = command({
  name: 'host release',
  summary: 'end the quarantine of a host whose identity two machines used',
  details:
    'First switch the copy off, or reinstall it with a token of its own. "host show" says which certificate was used from where.',
  examples: [
    { line: 'torchpass host release web-1', shows: 'asks before it does it' },
    { line: 'torchpass host release web-1 --yes', shows: 'does not ask, for scripts' },
  ],
  arguments: { name: requiredArgument('NAME', 'name of the host', hostName) },
  options: {},
  confirm: ({ name }) => `Is one machine left that uses the identity of "${name}"?`,
  run: ({ api }, { name }) => api.releaseHost(name),
  print({ host, remarks }, page) {
    page.line(`The host ${page.colors.bold(host.name)} is ${host.state}.`);
    for (const remark of remarks) page.line(`- ${remark}`);
  },
});
