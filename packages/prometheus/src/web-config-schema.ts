/** What Torchpass sets in the web configuration of exporter-toolkit: always mutual TLS. Paths are absolute. */
export interface WebConfig {
  clientCaFile: string;
  certFile: string;
  keyFile: string;
  clientAuthType: 'RequireAndVerifyClientCert' | 'VerifyClientCertIfGiven';
  /** Exact matches on the client's DNS, e-mail, IP and URI SANs; only where the exporter understands it (toolkit 0.10). */
  clientAllowedSans?: readonly string[] | undefined;
  /** User to bcrypt hash. */
  basicAuthUsers?: Readonly<Record<string, string>> | undefined;
  minVersion?: 'TLS12' | 'TLS13' | undefined;
}

export const BCRYPT_HASH = /^\$2[aby]?\$\d\d\$[./A-Za-z0-9]{53}$/;

export const TOP_KEYS = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'];
/** In every version of exporter-toolkit up to 0.17; which of them an exporter knows, only a canary tells. */
export const TLS_KEYS = [
  'client_ca_file',
  'client_auth_type',
  'client_allowed_sans',
  'cert_file',
  'key_file',
  'min_version',
  'max_version',
  'client_ca',
  'cert',
  'key',
  'cipher_suites',
  'curve_preferences',
  'prefer_server_cipher_suites',
];
export const WRITTEN_TOP_KEYS = ['tls_server_config', 'basic_auth_users'];
export const WRITTEN_TLS_KEYS = TLS_KEYS.slice(0, 6);
