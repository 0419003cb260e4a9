import type { RevocationReason, Role } from '@torchpass/pki';
import type { ColumnType, Generated } from 'kysely';
import type { Authenticated } from './authenticated.ts';
import type { HostState } from './host-states.ts';

/**
 * The tables as the queries see them. Times are RFC 3339 in UTC with milliseconds, as text, so that they compare and
 * sort alike in every database; lists and maps are JSON text; serial numbers are lower-case hexadecimal.
 */
export interface Tables {
  installation: InstallationTable;
  authorities: AuthorityTable;
  authority_drafts: AuthorityDraftTable;
  rotations: RotationTable;
  join_tokens: JoinTokenTable;
  token_uses: TokenUseTable;
  hosts: HostTable;
  exporters: ExporterTable;
  certificates: CertificateTable;
  revocation_lists: RevocationListTable;
  scraper_revocations: ScraperRevocationTable;
  withdrawn_targets: WithdrawnTargetTable;
  renewal_orders: RenewalOrderTable;
  restores: RestoreTable;
  audit_log: AuditLogTable;
  audit_head: AuditHeadTable;
}

/** One row: what was decided once. */
export interface InstallationTable {
  id: Generated<number>;
  trust_domain: string;
  /** The data key, wrapped by the passphrase: opens the sealed keys. JSON. */
  sealing: string;
  created_at: string;
  /** Grows when a scraper's key is given up: exporters have to be started for it. */
  restart_generation: ColumnType<number, number | undefined, number>;
}

export interface AuthorityTable extends Authenticated {
  /** Serial number of its certificate. */
  id: string;
  role: 'root' | Role;
  state: 'prepared' | 'active' | 'retiring' | 'gone';
  certificate: Buffer;
  /** The sealed private key, or where else it is: see issuance/key-store.ts. Empty when there is none. */
  key_reference: string;
  not_before: string;
  not_after: string;
  created_at: string;
  /** The root; null for a root. */
  issued_by: string | null;
  /** What was signed; null for the first authorities. */
  tbs: Buffer | null;
  /** When Prometheus's folder was first seen to hold what this state asks for. */
  distributed_at: string | null;
  activated_at: string | null;
  retired_at: string | null;
  /** When hosts were first told to trust it no more. */
  dropped_at: string | null;
  gone_at: string | null;
}

/** An authority that is not signed yet. */
export interface AuthorityDraftTable extends Authenticated {
  /** Serial number of its certificate. */
  id: string;
  role: 'root' | Role;
  key_reference: string;
  /** The root that has to sign; null for a root. */
  issued_by: string | null;
  /** What is about to be signed. */
  tbs: Buffer;
  not_before: string;
  not_after: string;
  reserved_at: string;
}

/** A rotation that is under way. */
export interface RotationTable extends Authenticated {
  role: 'root' | Role;
  /** `auto`: upkeep takes each step whose gate is open. `step`: the operator does. */
  mode: 'auto' | 'step';
  /** JSON list of ids of hosts and tokens that are not waited for. */
  left_behind: string;
  reason: string;
  started_at: string;
}

export interface JoinTokenTable extends Authenticated {
  id: string;
  /** SHA-256 of the secret, which has 160 random bits: nothing to gain from a slow hash. */
  secret_hash: Buffer;
  /** Job of all exporters of the host; null: each exporter's name is its job. */
  job: string | null;
  labels: string;
  host_name: string | null;
  addresses: string;
  networks: string;
  exporters: string;
  /** 1 when a person has to approve each host that uses it. */
  approval: ColumnType<number, number | undefined, number>;
  max_uses: number;
  uses: ColumnType<number, number | undefined, number>;
  note: string;
  /** The host whose place the token gives to another machine. */
  replaces_host_id: string | null;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  /** JSON list of the roots that it pins. */
  root_ids: string | null;
}

/** Which key used which token: makes a repeated enrolment give the same host. */
export interface TokenUseTable {
  token_id: string;
  key_fingerprint: string;
  host_id: string;
  used_at: string;
}

export interface HostTable extends Authenticated {
  id: string;
  /** Unique among those that have not ended. */
  name: string;
  state: HostState;
  token_id: string;
  /** As in the token. */
  job: string | null;
  labels: string;
  /** What the token allowed beside the observed address. */
  addresses: string;
  /** Names of the exporters that the token allowed; all when empty. */
  exporters: string;
  /** The address it last connected from. */
  address: string;
  /** The last one of the other protocol, IPv4 or IPv6. */
  other_address: string | null;
  other_seen_at: string | null;
  agent_version: string;
  /** Of a host that waits, or was rejected: when it asked. */
  enrolled_at: string;
  last_seen_at: string;
  ended_at: string | null;
  end_reason: string | null;
  quarantined_at: string | null;
  /** A sentence; null unless quarantined. */
  quarantine_reason: string | null;
  /** Hexadecimal digest of the roots that it trusts, as it says. */
  roots_digest: string | null;
  /** Serial number of the identity that it last checked in with. */
  identity_serial: string | null;
}

export interface ExporterTable {
  host_id: string;
  name: string;
  job: string;
  port: number;
  metrics_path: string;
  /** The names its certificate has to carry, as decided at the last check-in. */
  dns_names: string;
  ip_addresses: string;
  /** HOST:PORT that should be published; null when refused. */
  target: string | null;
  /** HOST:PORT that is published; null when none is. */
  published_target: string | null;
  /** Why it is refused or not yet published, as the controller found. */
  problem: string | null;
  /** What was wrong at the last check-in: what the agent says, or that its name does not resolve. */
  reported_problem: string | null;
  /** Serial number that was seen from outside at `target`. */
  seen_serial: string | null;
  checked_at: string | null;
  /** Hexadecimal digest of the scraper authorities that it was proved to admit, as its agent says. */
  scrapers_digest: string | null;
  /** The restart generation for which its agent says that it was last started. */
  started_for: Generated<number>;
  /** The restart generation before which every scraper's key was seen to be refused. */
  refused_for: Generated<number>;
  /** What the knock with a given-up key found instead. */
  refusal_problem: string | null;
}

export interface CertificateTable extends Authenticated {
  serial: string;
  authority_id: string;
  role: Role;
  host_id: string | null;
  /** Name of the exporter or scraper; empty for an identity and for the controller. */
  subject_name: string;
  /** JSON lists, as certified. */
  dns_names: string;
  ip_addresses: string;
  key_fingerprint: string;
  /** What was about to be signed: stored before the signature exists. */
  tbs: Buffer;
  /** Null until signed. */
  certificate: Buffer | null;
  not_before: string;
  not_after: string;
  reserved_at: string;
  issued_at: string | null;
  /** When its key first authenticated a call: of identities only. */
  confirmed_at: string | null;
  revoked_at: string | null;
  /** Null while it is good. */
  revocation_reason: RevocationReason | null;
}

/** Each time that a scraper's key was given up. */
export interface ScraperRevocationTable {
  /** The restart generation that began with it. */
  generation: number;
  revoked_at: string;
  reason: string;
  /** The authority that was given up with the key. */
  authority_id: string;
  /** PEM chain under that authority: what has to be refused everywhere. */
  knock_certificate: string;
  /** Its sealed key. */
  knock_key: string;
  knock_not_after: string;
}

/** The revocation list of an authority: the newest number, and the newest that was signed. */
export interface RevocationListTable {
  authority_id: string;
  /** Stored before the list of that number is signed. */
  reserved_number: number;
  /** DER; null until the first was signed, and so are the others. */
  crl: Buffer | null;
  number: number | null;
  this_update: string | null;
  next_update: string | null;
  /** SHA-256 of what it lists: tells whether it is still true. */
  content: string | null;
}

/** Certificates that are to be renewed at another time than agents choose. */
export interface RenewalOrderTable {
  id: string;
  /** Null: of every host. */
  host_id: string | null;
  role: 'agent' | 'exporter';
  /** Only what was issued before. */
  issued_before: string;
  /** Each certificate has its own point between these two. */
  starts_at: string;
  ends_at: string;
  reason: string;
  ordered_at: string;
}

/** Targets that were taken off on purpose: only these may leave a file empty. */
export interface WithdrawnTargetTable {
  job: string;
  target: string;
  reason: string;
  withdrawn_at: string;
}

/** When the database was put back from a backup: see backup/. */
export interface RestoreTable {
  epoch: number;
  backup_at: string;
  restored_at: string;
  /** Until then identities from between the two are accepted of hosts that are known. */
  adopt_until: string;
}

/** What was done, in order: see audit/. */
export interface AuditLogTable {
  /** From 1, without gaps. */
  number: number;
  at: string;
  event: string;
  /** JSON list: kind, name, from where. */
  actor: string;
  subject: string;
  /** JSON map. */
  details: string;
  /** Authenticates this entry and the one before it. */
  mac: string;
}

/** One row: where the audit log begins and ends. */
export interface AuditHeadTable {
  id: number;
  /** The last entry. */
  number: number;
  mac: string;
  /** The last entry that was pruned: the log begins with the next. */
  pruned_number: number;
  pruned_mac: string;
  /** Authenticates the others. */
  head_mac: string;
}
