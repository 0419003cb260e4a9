import type { Actor } from '../audit/actor.ts';
import type {
  AuthorityList,
  AuthorityView,
  RotateRequest,
  AuditPage,
  AuditVerification,
  CertificateList,
  ControllerStatus,
  CreatedToken,
  CreateTokenRequest,
  HostView,
  ListCertificatesRequest,
  PrometheusFindings,
  PrometheusSetup,
  Publication,
  OrderedRenewal,
  ReleasedHost,
  RenewHostsRequest,
  ReadAuditRequest,
  RevokeCertificateRequest,
  RevokedCertificate,
  RevokedHost,
  ScraperStatus,
  TargetCheck,
  TargetView,
  TokenView,
} from './types.ts';

/** What the administration API needs of the features; `context.ts` puts it together. */
export interface Services {
  tokens: {
    create(request: CreateTokenRequest, by: Actor): Promise<CreatedToken>;
    list(): Promise<TokenView[]>;
    revoke(id: string, by: Actor): Promise<TokenView>;
  };
  hosts: {
    list(): Promise<HostView[]>;
    show(name: string): Promise<HostView>;
    /** `FINGERPRINT_MISMATCH` when one is given and the key has another. */
    approve(name: string, fingerprint: string | undefined, by: Actor): Promise<HostView>;
    reject(name: string, reason: string, by: Actor): Promise<HostView>;
    revoke(name: string, reason: string, by: Actor): Promise<RevokedHost>;
    /** Orders renewals, spread over a time. */
    renew(request: RenewHostsRequest, by: Actor): Promise<OrderedRenewal>;
    /** Ends a quarantine. */
    release(name: string, by: Actor): Promise<ReleasedHost>;
  };
  certificates: {
    list(filter: ListCertificatesRequest): Promise<CertificateList>;
    revoke(serial: string, reason: RevokeCertificateRequest['reason'], by: Actor): Promise<RevokedCertificate>;
  };
  authorities: {
    list(): Promise<AuthorityList>;
    rotate(role: AuthorityView['role'], request: RotateRequest, by: Actor): Promise<AuthorityList>;
  };
  targets: {
    list(): Promise<TargetView[]>;
    /** Knocks at each target in every wrong way and the right one, from here. */
    check(filter: { host?: string | undefined }): Promise<TargetCheck[]>;
    publish(options: { allowEmpty: boolean }, by: Actor): Promise<Publication>;
  };
  audit: {
    log(request: ReadAuditRequest): Promise<AuditPage>;
    /** Walks over all of it. */
    verify(request: { head?: string | undefined }): Promise<AuditVerification>;
  };
  scraper: {
    /** Shuts a stolen key of Prometheus out. */
    revoke(reason: string, by: Actor): Promise<ScraperStatus>;
    status(): Promise<ScraperStatus>;
  };
  prometheus: {
    setup(): Promise<PrometheusSetup>;
    check(file: { path: string; text: string }): Promise<PrometheusFindings>;
  };
  status(): Promise<ControllerStatus>;
  /**
   * Whether requests can be served: undefined when the database answers a query, else why not. The authorities are not
   * asked: the program opens them before it listens, and ends when they do not open.
   */
  unready(): Promise<string | undefined>;
}
