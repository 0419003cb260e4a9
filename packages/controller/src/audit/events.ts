/** What the audit log tells. `docs/audit.md` explains each; a test compares the two. */
export const AUDIT_EVENTS = {
  'certificate.issued': 'a certificate was signed',
  'certificate.revoked': 'an operator ended a certificate',
  'crl.signed': 'a revocation list was signed',
  'host.approved': 'an operator let a waiting host in',
  'host.enrolled': 'a host joined',
  'host.expired': 'nobody approved a waiting host in time',
  'host.left': 'a host ended its own membership',
  'host.quarantined': 'two machines were found to use the identity of one host',
  'host.released': 'an operator ended the quarantine of a host',
  'host.pending': 'a host asked to join and waits for a person',
  'host.rejected': 'an operator turned a waiting host away',
  'host.revoked': 'an operator threw a host out',
  'targets.emptied': 'an operator let target files become empty',
  'token.created': 'an operator made a join token',
  'token.guessed': 'the secret of a join token was guessed wrongly again and again',
  'token.revoked': 'an operator ended a join token',
} as const satisfies Record<string, string>;

export type AuditEvent = keyof typeof AUDIT_EVENTS;
