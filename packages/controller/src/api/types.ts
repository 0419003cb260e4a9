import { z } from 'zod';

export * from './certificate-types.ts';
export * from './authority-types.ts';
export * from './prometheus-types.ts';
export * from './scraper-types.ts';

/**
 * The administration API: what goes over the Unix socket, as schemas and as types. Clients import the types only.
 * Times are RFC 3339 in UTC, serial numbers lower-case hexadecimal.
 */

const time = z.iso.datetime();
const labels = z.record(z.string(), z.string());

export const createTokenRequest = z.strictObject({
  /** Job that all exporters of the host join; when null, each exporter's name is its job. */
  job: z.string().nullable().default(null),
  /** Labels that the targets get. */
  labels: labels.default({}),
  /** How long the token may be used, in Prometheus's notation. */
  expiresIn: z.string().default('1h'),
  /** How many hosts may use it. */
  uses: z.int().min(1).max(10_000).default(1),
  /** The name that the host gets, whatever it asks for. Only with one use. */
  hostName: z.string().optional(),
  /** A live host, whose place the machine takes: what the host has stays, all of its certificates are revoked. */
  replace: z.string().optional(),
  /** Addresses and DNS names that targets may have besides the one the host connects from. */
  addresses: z.array(z.string()).max(64).default([]),
  /** Networks (CIDR) from which the token may be used; any when empty. */
  networks: z.array(z.string()).max(64).default([]),
  /** Names of the exporters that the host may have; any when empty. */
  exporters: z.array(z.string()).max(64).default([]),
  /** Whether a person has to approve each host that uses it. */
  approval: z.boolean().default(false),
  /** For the operator's memory. */
  note: z.string().max(200).default(''),
});

export const tokenView = z.object({
  id: z.string(),
  state: z.enum(['usable', 'used', 'expired', 'revoked']),
  job: z.string().nullable(),
  labels,
  hostName: z.string().nullable(),
  /** Whether it gives the place of the host of that name to another machine. */
  replaces: z.boolean(),
  addresses: z.array(z.string()),
  networks: z.array(z.string()),
  exporters: z.array(z.string()),
  approval: z.boolean(),
  uses: z.int(),
  maxUses: z.int(),
  createdAt: time,
  expiresAt: time,
  note: z.string(),
});

export const createdToken = z.object({
  /** The token itself. Shown once; only a hash of it is kept. */
  token: z.string(),
  /** HOST:PORT that agents dial, as configured. */
  controller: z.string(),
  details: tokenView,
});

export const targetView = z.object({
  host: z.string(),
  exporter: z.string(),
  job: z.string(),
  /** HOST:PORT that Prometheus dials; null before it is decided. */
  target: z.string().nullable(),
  metricsPath: z.string(),
  labels,
  state: z.enum(['pending', 'published', 'refused', 'withdrawn']),
  /** Serial number of the newest certificate. */
  serial: z.string().nullable(),
  notAfter: time.nullable(),
  /** When the controller last looked at it from outside. */
  checkedAt: time.nullable(),
  /** What is wrong, in one sentence. */
  problem: z.string().nullable(),
});

export const hostView = z.object({
  name: z.string(),
  state: z.enum(['active', 'pending', 'quarantined', 'revoked', 'left', 'rejected', 'expired']),
  /** Of its newest key, as the agent shows it too: `SHA256:` and base64. */
  fingerprint: z.string().nullable(),
  /** The address that it last connected from. */
  address: z.string(),
  agentVersion: z.string(),
  /** Of a host that waits for approval: when it asked. */
  enrolledAt: time,
  lastSeenAt: time,
  /** Why its calls are refused although it was not thrown out; null when they are not. */
  quarantine: z.object({ at: time, reason: z.string() }).nullable(),
  /** The newest identity certificate. */
  identity: z.object({ serial: z.string(), notAfter: time }).nullable(),
  exporters: z.array(targetView),
});

export const approveHostRequest = z.strictObject({
  /** What the key has to have, `SHA256:…`, as the agent shows it. Not compared when absent. */
  fingerprint: z.string().max(80).optional(),
});

export const rejectHostRequest = z.strictObject({ reason: z.string().max(200).default('') });

export const revokeHostRequest = z.strictObject({ reason: z.string().max(200).default('') });

export const renewHostsRequest = z.strictObject({
  /** Names; all active hosts when there are none. */
  hosts: z.array(z.string()).max(1000),
  /** The time over which the renewals are spread, in Prometheus's notation; 0s is at the next check-in. */
  within: z.string().default('1h'),
  /** What is to be renewed; everything when absent. */
  only: z.enum(['identity', 'exporters']).optional(),
});

export const orderedRenewal = z.object({
  /** How many hosts it is about. */
  hosts: z.int(),
  from: time,
  until: time,
});

export const releasedHost = z.object({
  host: hostView,
  /** What the operator still has to think of, as sentences. */
  remarks: z.array(z.string()),
});

export const revokedHost = z.object({
  host: hostView,
  /** What the operator still has to think of, as sentences. */
  remarks: z.array(z.string()),
});

export const checkTargetsRequest = z.strictObject({
  /** Only this host; all when absent. */
  host: z.string().optional(),
});

export const targetCheck = z.object({
  host: z.string(),
  exporter: z.string(),
  target: z.string(),
  /** One for each way of knocking. */
  layers: z.array(z.object({ name: z.string(), passed: z.boolean(), found: z.string() })),
  passed: z.boolean(),
});

export const publishTargetsRequest = z.strictObject({
  /** The operator's word that a job may lose all of its targets. */
  allowEmpty: z.boolean().default(false),
});

export const publication = z.object({
  /** One for each target file. */
  jobs: z.array(z.object({ job: z.string(), file: z.string(), targets: z.int(), changed: z.boolean() })),
});

export const controllerStatus = z.object({
  version: z.string(),
  trustDomain: z.string(),
  startedAt: time,
  /** HOST:PORT that agents dial. */
  controller: z.string(),
  authorities: z.array(
    z.object({ role: z.string(), state: z.string(), serial: z.string(), notBefore: time, notAfter: time }),
  ),
  hosts: z.object({
    active: z.int(),
    pending: z.int(),
    quarantined: z.int(),
    revoked: z.int(),
    left: z.int(),
    rejected: z.int(),
    expired: z.int(),
  }),
  targets: z.object({ published: z.int(), pending: z.int(), refused: z.int() }),
  scraper: z.object({ serial: z.string(), notAfter: time }).nullable(),
  prometheusFolder: z.string(),
  /** What keeps the target files from being written, in one sentence. */
  publishProblem: z.string().nullable(),
});

export const readAuditRequest = z.strictObject({
  /** Only what is not older than this, in Prometheus's notation. */
  since: z.string().max(40).optional(),
  event: z.string().max(64).optional(),
  /** Name of a host, serial number, id of a token, …: as in the entries. */
  subject: z.string().max(256).optional(),
  /** Only entries with smaller numbers: the `next` of the page before. */
  before: z.int().min(1).optional(),
  limit: z.int().min(1).max(500).default(50),
});

export const auditEntry = z.object({
  number: z.int(),
  at: time,
  event: z.string(),
  /** `kind` is operator, host, stranger or controller; `from` an address, `socket` or `machine`. */
  by: z.object({ kind: z.string(), name: z.string(), from: z.string() }),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
  mac: z.string(),
});

/** The newest first. */
export const auditPage = z.object({
  entries: z.array(auditEntry),
  /** What to give as `before` for the next page; null when this was the last. */
  next: z.int().nullable(),
});

export const verifyAuditRequest = z.strictObject({
  /** NUMBER:MAC of an entry, as the controller's log had it. */
  head: z
    .string()
    .regex(/^\d{1,15}:[0-9a-f]{64}$/, 'not NUMBER:MAC')
    .optional(),
});

export const auditVerification = z.object({
  /** How many entries fit, from the first. */
  entries: z.int(),
  /** Number of the first entry; those before it were pruned. */
  first: z.int(),
  /** NUMBER:MAC of the last. */
  head: z.string(),
  /** Whether the given head could be compared; false when its entry was pruned; null when none was given. */
  comparable: z.boolean().nullable(),
  fault: z.object({ kind: z.string(), number: z.int(), sentence: z.string() }).nullable(),
});

export const tokenList = z.object({ tokens: z.array(tokenView) });
export const hostList = z.object({ hosts: z.array(hostView) });
export const targetList = z.object({ targets: z.array(targetView) });
export const targetChecks = z.object({ checks: z.array(targetCheck) });

/** RFC 9457: what every answer from 400 on is, as application/problem+json. */
export const problem = z.object({
  /** `urn:torchpass:error:CODE`. */
  type: z.string(),
  /** The kind of error. */
  title: z.string(),
  status: z.int(),
  /** What went wrong, as a sentence. */
  detail: z.string(),
  /** A code of docs/errors.md. */
  code: z.string(),
  /** What to do next, as a sentence. */
  hint: z.string().optional(),
});

/** As a client sends it: what has a default may be left out. */
export type CreateTokenInput = z.input<typeof createTokenRequest>;
export type CreateTokenRequest = z.output<typeof createTokenRequest>;
export type TokenView = z.output<typeof tokenView>;
export type CreatedToken = z.output<typeof createdToken>;
export type HostView = z.output<typeof hostView>;
export type RenewHostsRequest = z.output<typeof renewHostsRequest>;
export type RenewHostsInput = z.input<typeof renewHostsRequest>;
export type OrderedRenewal = z.output<typeof orderedRenewal>;
export type ReleasedHost = z.output<typeof releasedHost>;
export type RevokedHost = z.output<typeof revokedHost>;
export type TargetView = z.output<typeof targetView>;
export type TargetCheck = z.output<typeof targetCheck>;
export type Publication = z.output<typeof publication>;
export type ControllerStatus = z.output<typeof controllerStatus>;
export type ReadAuditInput = z.input<typeof readAuditRequest>;
export type ReadAuditRequest = z.output<typeof readAuditRequest>;
export type AuditEntryView = z.output<typeof auditEntry>;
export type AuditPage = z.output<typeof auditPage>;
export type AuditVerification = z.output<typeof auditVerification>;
export type TokenList = z.output<typeof tokenList>;
export type HostList = z.output<typeof hostList>;
export type TargetList = z.output<typeof targetList>;
export type TargetChecks = z.output<typeof targetChecks>;
export type Problem = z.output<typeof problem>;
