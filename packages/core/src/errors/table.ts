/**
 * Every error a user can meet, by its stable code. `docs/errors.md` has a paragraph for each; a test compares the two.
 *
 * The kind decides how an edge answers: gRPC status, HTTP status and exit code are derived from it, once for each edge.
 */
export type ErrorKind =
  | 'usage' // the command line or the configuration is wrong
  | 'invalid' // the content of a request, a file or a certificate is wrong
  | 'unauthenticated' // the caller did not prove who it is
  | 'refused' // the caller is known, policy says no
  | 'not-found'
  | 'conflict' // true of another state than today's: repeat after changing it
  | 'exhausted' // a limit was reached: later
  | 'unavailable' // something that we need does not answer: later
  | 'failed' // an operation on this machine did not succeed
  | 'internal'; // our mistake

export const ERROR_KINDS = {
  // Command line and configuration
  USAGE: 'usage',
  CONFIG_UNREADABLE: 'usage',
  CONFIG_INVALID: 'usage',
  PERMISSIONS_LOOSE: 'usage',

  // Keys, requests, certificates
  KEY_INVALID: 'invalid',
  KEY_UNSUPPORTED: 'invalid',
  KEY_SEAL_BROKEN: 'failed',
  PKCS11_UNAVAILABLE: 'unavailable',
  PKCS11_PIN_REFUSED: 'failed',
  PKCS11_KEY_MISSING: 'failed',
  PKCS11_KEY_EXTRACTABLE: 'failed',
  CSR_INVALID: 'invalid',
  CERTIFICATE_INVALID: 'invalid',
  CERTIFICATE_UNTRUSTED: 'unauthenticated',
  LINT_FAILED: 'internal',
  NAME_INVALID: 'invalid',
  ADDRESS_INVALID: 'invalid',
  LABEL_INVALID: 'invalid',

  // Joining and the agent's protocol
  TOKEN_MALFORMED: 'invalid',
  TOKEN_REJECTED: 'unauthenticated',
  APPROVAL_PENDING: 'conflict',
  FINGERPRINT_MISMATCH: 'refused',
  PIN_MISMATCH: 'unauthenticated',
  IDENTITY_REQUIRED: 'unauthenticated',
  IDENTITY_REJECTED: 'unauthenticated',
  KEY_REUSED: 'refused',
  HOST_NAME_TAKEN: 'conflict',
  POLICY_REFUSED: 'refused',
  EXPORTER_REFUSED: 'refused',
  ADDRESS_REFUSED: 'refused',
  ADDRESS_UNRESOLVED: 'unavailable',
  RATE_LIMITED: 'exhausted',
  METHOD_NOT_ALLOWED: 'refused',
  REQUEST_INVALID: 'invalid',
  CONTROLLER_UNREACHABLE: 'unavailable',
  PROTOCOL_VIOLATION: 'failed',

  // The controller's state
  NOT_INITIALIZED: 'conflict',
  ALREADY_INITIALIZED: 'conflict',
  ALREADY_RUNNING: 'conflict',
  STORE_UNAVAILABLE: 'unavailable',
  STORE_NEWER: 'conflict',
  STORE_OLDER: 'conflict',
  PASSPHRASE_WRONG: 'failed',
  AUTHORITY_MISSING: 'failed',
  ADDRESS_IN_USE: 'failed',
  NOT_FOUND: 'not-found',
  ROTATION_BLOCKED: 'conflict',
  PUBLISH_WOULD_EMPTY: 'refused',
  AUDIT_BROKEN: 'failed',
  ROW_NOT_AUTHENTIC: 'failed',
  BACKUP_BROKEN: 'failed',
  RESTORE_UNFINISHED: 'conflict',
  CHECK_FAILED: 'failed',
  REVOCATION_REFUSED: 'refused',

  // The agent's host
  NOT_ENROLLED: 'conflict',
  ALREADY_ENROLLED: 'conflict',
  AGENT_BUSY: 'conflict',
  IDENTITY_BROKEN: 'failed',
  EXPORTER_NOT_LOCKED: 'failed',
  EXPORTER_UNREACHABLE: 'failed',
  RESTART_FAILED: 'failed',
  RESTART_NEEDED: 'failed',
  WEB_CONFIG_FOREIGN: 'conflict',
  WEB_CONFIG_UNSAFE: 'invalid',

  // Files and programs
  FILE_UNREADABLE: 'failed',
  FILE_UNWRITABLE: 'failed',
  DOWNLOAD_FAILED: 'unavailable',
  PROGRAM_ENDED: 'failed',

  INTERNAL: 'internal',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;
