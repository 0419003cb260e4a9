import { command } from '../command.ts';
import { requiredArgument, textOption } from '../option.ts';
import { hostName } from './host-name.ts';

export const hostReject = command({
  name: 'host reject',
  summary: 'turn a host away that waits for a person',
  details: 'Its name is free again. The agent is told no more than that its token is not accepted.',
  examples: [
    { line: 'torchpass host reject web-1 --reason "not our server"', shows: 'asks before it does it' },
    { line: 'torchpass host reject web-1 --yes', shows: 'does not ask, for scripts' },
  ],
  arguments: { name: requiredArgument('NAME', 'name of the host', hostName) },
  options: { reason: textOption('--reason TEXT', 'why, for the log and for "host show"') },
  confirm: ({ name }) => `Reject the host "${name}"? It needs a new token to ask again.`,
  run: ({ api }, { name, reason = '' }) => api.rejectHost(name, reason),
  print(host, page) {
    page.line(`The host ${page.colors.bold(host.name)} is rejected; its name is free.`);
  },
});
