import { command } from '../command.ts';
import { requiredArgument, textOption } from '../option.ts';
import { hostName } from './host-name.ts';

export const hostRevoke = command({
  name: 'host revoke',
  summary: 'throw a host out',
  details: 'Its targets disappear, its identity is refused from now on, and nothing of it is renewed.',
  examples: [
    { line: 'torchpass host revoke web-1 --reason "key stolen"', shows: 'asks before it does it' },
    { line: 'torchpass host revoke web-1 --reason "sold" --yes', shows: 'does not ask, for scripts' },
  ],
  arguments: { name: requiredArgument('NAME', 'name of the host', hostName) },
  options: { reason: textOption('--reason TEXT', 'why, for the log and for "host show"') },
  confirm: ({ name }) => `Revoke the host "${name}"? Its targets disappear, and it has to enrol anew to come back.`,
  run: ({ api }, { name, reason = '' }) => api.revokeHost(name, reason),
  print({ host, remarks }, page) {
    page.line(`The host ${page.colors.bold(host.name)} is revoked.`);
    for (const remark of remarks) page.line(`- ${remark}`);
  },
});
