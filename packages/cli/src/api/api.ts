import type {
  AuthorityList,
  AuthorityView,
  AuditPage,
  AuditVerification,
  CertificateList,
  ControllerStatus,
  CreatedToken,
  CreateTokenInput,
  HostList,
  HostView,
  ListCertificatesInput,
  PrometheusFindings,
  PrometheusSetup,
  Publication,
  OrderedRenewal,
  ReleasedHost,
  RenewHostsInput,
  ReadAuditInput,
  RevokedCertificate,
  RotateInput,
  RevokedHost,
  ScraperStatus,
  TargetChecks,
  TargetList,
  TokenList,
  TokenView,
} from '@torchpass/controller/api';
import type { Exchange } from './unix-socket.ts';

/** The controller's administration API. Every call throws TorchpassErrors only. */
export interface Api {
  createToken(request: CreateTokenInput): Promise<CreatedToken>;
  listTokens(): Promise<TokenList>;
  revokeToken(id: string): Promise<TokenView>;
  listHosts(): Promise<HostList>;
  showHost(name: string): Promise<HostView>;
  approveHost(name: string, fingerprint: string | undefined): Promise<HostView>;
  rejectHost(name: string, reason: string): Promise<HostView>;
  revokeHost(name: string, reason: string): Promise<RevokedHost>;
  releaseHost(name: string): Promise<ReleasedHost>;
  renewHosts(request: RenewHostsInput): Promise<OrderedRenewal>;
  listCertificates(filter: ListCertificatesInput): Promise<CertificateList>;
  revokeCertificate(serial: string, reason: string): Promise<RevokedCertificate>;
  listAuthorities(): Promise<AuthorityList>;
  rotateAuthority(role: AuthorityView['role'], request: RotateInput): Promise<AuthorityList>;
  listTargets(): Promise<TargetList>;
  checkTargets(host: string | undefined): Promise<TargetChecks>;
  publishTargets(allowEmpty: boolean): Promise<Publication>;
  revokeScraper(reason: string): Promise<ScraperStatus>;
  scraperStatus(): Promise<ScraperStatus>;
  setUpPrometheus(): Promise<PrometheusSetup>;
  checkPrometheus(file: { path: string; text: string }): Promise<PrometheusFindings>;
  readAudit(request: ReadAuditInput): Promise<AuditPage>;
  verifyAudit(head: string | undefined): Promise<AuditVerification>;
  status(): Promise<ControllerStatus>;
}

export function createApi(exchange: Exchange): Api {
  // The shapes are the controller's word, which checks its own answers; the problem is of the same release.
  const get = async <T>(path: string) => (await exchange('GET', `/api/v1${path}`)) as T;
  const post = async <T>(path: string, body: object = {}) => (await exchange('POST', `/api/v1${path}`, body)) as T;
  return {
    createToken: (request) => post('/tokens', request),
    listTokens: () => get('/tokens'),
    revokeToken: (id) => post(`/tokens/${encodeURIComponent(id)}/revoke`),
    listHosts: () => get('/hosts'),
    showHost: (name) => get(`/hosts/${encodeURIComponent(name)}`),
    approveHost: (name, fingerprint) => post(`/hosts/${encodeURIComponent(name)}/approve`, { fingerprint }),
    rejectHost: (name, reason) => post(`/hosts/${encodeURIComponent(name)}/reject`, { reason }),
    revokeHost: (name, reason) => post(`/hosts/${encodeURIComponent(name)}/revoke`, { reason }),
    renewHosts: (request) => post('/hosts/renew', request),
    releaseHost: (name) => post(`/hosts/${encodeURIComponent(name)}/release`),
    listCertificates: (filter) => post('/certificates/list', filter),
    revokeCertificate: (serial, reason) => post(`/certificates/${serial}/revoke`, { reason }),
    listAuthorities: () => get('/authorities'),
    rotateAuthority: (role, request) => post(`/authorities/${role}/rotate`, request),
    listTargets: () => get('/targets'),
    checkTargets: (host) => post('/targets/check', { host }),
    publishTargets: (allowEmpty) => post('/targets/publish', { allowEmpty }),
    revokeScraper: (reason) => post('/scraper/revoke', { reason }),
    scraperStatus: () => get('/scraper'),
    setUpPrometheus: () => post('/prometheus/setup'),
    checkPrometheus: (file) => post('/prometheus/check', file),
    readAudit: (request) => post('/audit/log', request),
    verifyAudit: (head) => post('/audit/verify', { head }),
    status: () => get('/status'),
  };
}
