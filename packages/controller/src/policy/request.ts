/** What a token allows, as it was made: narrower than the policy or the same. */
export interface Narrowing {
  /** Undefined: as the host asks. */
  hostName?: string | undefined;
  /** Of which the token may be used; any when empty. Not asked again after the enrolment. */
  networks?: readonly string[];
  /** Undefined: each exporter's name is its job, or what the agent says. */
  job?: string | undefined;
  /** Any when empty. */
  exporters: readonly string[];
  /** Beside those that the host connects from. */
  addresses: readonly string[];
}

/** Another live host's exporter that has the address too. */
export interface Neighbour {
  host: string;
  /** HOST:PORT. */
  target: string;
}

/** What is asked for; a rule about something that is absent has nothing to say. All addresses in canonical form. */
export interface PolicyRequest {
  host?: string | undefined;
  /** Where the agent connects from: the connection itself first, then another address that it was seen at a moment ago. */
  from?: readonly string[];
  labels?: Readonly<Record<string, string>>;
  /** Undefined asks the policy alone, as if a token allowed everything that a token can. */
  token?: Narrowing | undefined;
  exporter?: string | undefined;
  job?: string | undefined;
  /** IP address or DNS name that a target shall have. */
  address?: string | undefined;
  /** Addresses of the DNS name; undefined while it was not resolved. */
  resolved?: readonly string[] | undefined;
  /** HOST:PORT. */
  target?: string | undefined;
  /** Who else has the address. */
  neighbours?: readonly Neighbour[];
}

/** One rule's word. */
export interface Step {
  /** Key of the configuration, or what it is about. */
  rule: Rule;
  /** What was looked at. */
  value: string;
  allowed: boolean;
  /** A sentence or, when it is allowed, a few words. */
  why: string;
}

/** Every rule, in the order in which they are asked. */
export const RULES = [
  'policy.host_names',
  'token.host_name',
  'policy.source_networks',
  'token.networks',
  'policy.labels',
  'policy.exporters',
  'token.exporters',
  'policy.jobs',
  'token.job',
  'own_addresses',
  'policy.dns_names',
  'policy.addresses',
  'policy.target_networks',
  'policy.allowed_networks',
  'policy.shared_addresses',
] as const;
export type Rule = (typeof RULES)[number];
