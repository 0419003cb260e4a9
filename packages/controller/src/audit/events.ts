/** What the audit log tells. `docs/audit.md` explains each; a test compares the two. */
export const AUDIT_EVENTS = {
  'audit.pruned': 'old entries of this log were removed',
  'call.limited': 'a caller called too often',
  'call.refused': 'a call of the agent protocol was refused',
  'certificate.issued': 'a certificate was signed',
  'certificate.refused': 'a host was refused a certificate',
  'certificate.revoked': 'an operator ended a certificate',
  'crl.signed': 'a revocation list was signed',
  'enrolment.refused': 'a server with a good token was not let in',
  'exporter.refused': 'policy refused an exporter or its address',
  'host.approved': 'an operator let a waiting host in',
  'host.enrolled': 'a host joined',
  'host.expired': 'nobody approved a waiting host in time',
  'host.left': 'a host ended its own membership',
  'host.pending': 'a host asked to join and waits for a person',
  'host.quarantined': 'two machines were found to use the identity of one host',
  'host.rejected': 'an operator turned a waiting host away',
  'host.released': 'an operator ended the quarantine of a host',
  'host.replaced': 'a reinstalled server took the place of a host, by a token that an operator made for it',
  'host.revoked': 'an operator threw a host out',
  'identity.rejected': 'somebody showed an identity that is not accepted',
  'identity.renewed_late': 'a host renewed its identity after it had ended',
  'operator.refused': "an operator's act failed or was refused",
  'refusals.summarized': 'refusals that were too many for entries of their own',
  'renewal.ordered': 'certificates were ordered to renew at another time than they would',
  'targets.emptied': 'an operator let target files become empty',
  'token.created': 'an operator made a join token',
  'token.guessed': 'the secret of a join token was guessed wrongly again and again',
  'token.rejected': 'a join token was not accepted',
  'token.revoked': 'an operator ended a join token',
} as const satisfies Record<string, string>;

export type AuditEvent = keyof typeof AUDIT_EVENTS;

/** What callers and operators did not get. */
export const REFUSAL_EVENTS = [
  'call.limited',
  'call.refused',
  'certificate.refused',
  'enrolment.refused',
  'exporter.refused',
  'identity.rejected',
  'operator.refused',
  'token.rejected',
] as const satisfies readonly AuditEvent[];
