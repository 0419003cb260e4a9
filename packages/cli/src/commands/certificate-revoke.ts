import { TorchpassError } from '@torchpass/core';
import { command } from '../command.ts';
import { requiredArgument, valueOption } from '../option.ts';
import { oneOf } from './one-of.ts';

/** As RFC 5280, 5.3.1 names them. */
const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;

export const certificateRevoke = command({
  name: 'certificate revoke',
  summary: 'end one certificate before its time',
  details:
    "A host's identity is refused from its next call on and its connections are closed. An exporter's target is gone until its agent has a " +
    'new certificate, with a new key, which it is told to get at its next check-in. For a whole host: torchpass host revoke.',
  examples: [
    { line: 'torchpass certificate revoke 4c8a0f6d4c8a0f6d4c8a0f6d4c8a0f6d', shows: 'asks before it does it' },
    {
      line: 'torchpass certificate revoke 4c8a0f6d4c8a0f6d4c8a0f6d4c8a0f6d --reason keyCompromise --yes',
      shows: 'says why on the revocation list, and does not ask',
    },
  ],
  arguments: { serial: requiredArgument('SERIAL', 'serial number, as "certificate list" shows it', serialNumber) },
  options: {
    reason: valueOption('--reason REASON', `why, by its name in RFC 5280: ${REASONS.join(', ')}`, oneOf(REASONS)),
  },
  confirm: ({ serial }) => `Revoke the certificate ${serial}?`,
  run: ({ api }, { serial, reason = 'unspecified' }) => api.revokeCertificate(serial, reason),
  print({ certificate, remarks }, page) {
    page.line(`The certificate ${page.colors.bold(certificate.serial)} is revoked.`);
    for (const remark of remarks) page.line(`- ${remark}`);
  },
});

/** As other programs show it too: with colons, in capitals. */
function serialNumber(text: string): string {
  const serial = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{1,40}$/.test(serial)) return serial;
  throw new TorchpassError('USAGE', `${JSON.stringify(text.slice(0, 80))} is not a serial number.`);
}
