import { command } from '../command.ts';
import { requiredArgument, textOption } from '../option.ts';
import { hostName } from './host-name.ts';

export const hostApprove = command({
  name: 'host approve',
  summary: 'let a host in that waits for a person',
  details:
    'Compare the fingerprint that the agent shows on the server with the one here: whoever holds the token could have asked under this name.',
  examples: [
    {
      line: 'torchpass host approve web-1 --fingerprint SHA256:zp2zlFDDsv1hBRSyqGyWZi1zAmtBqLHBNDbN8OFzVPY',
      shows: 'only if that is the key; paste it from the server',
    },
    { line: 'torchpass host approve web-1', shows: 'asks first, since nothing is compared' },
  ],
  arguments: { name: requiredArgument('NAME', 'name of the host', hostName) },
  options: {
    fingerprint: textOption('--fingerprint SHA256:…', "fingerprint of the host's key, as its agent shows it"),
  },
  confirm: ({ name, fingerprint }) =>
    fingerprint === undefined
      ? `Approve the host "${name}" without --fingerprint? Only if you have compared it with "torchpass host show ${name}".`
      : undefined,
  run: ({ api }, { name, fingerprint }) => api.approveHost(name, fingerprint?.trim()),
  print(host, page) {
    page.line(`The host ${page.colors.bold(host.name)} is approved, with the key ${host.fingerprint ?? '-'}.`);
    page.line('Its agent gets the certificate when it asks again, within a minute if it is still waiting.');
  },
});
