import type { Services } from '../../api/services.ts';
import type { CertificateView, HostView, ScraperStatus, TargetView, TokenView } from '../../api/types.ts';

export const TIME = '2026-01-01T00:00:00.000Z';

export const token: TokenView = {
  id: 'abcdefghijklmnop',
  state: 'usable',
  job: 'node',
  labels: { env: 'prod' },
  hostName: null,
  replaces: false,
  addresses: [],
  networks: [],
  exporters: [],
  approval: false,
  uses: 0,
  maxUses: 1,
  createdAt: TIME,
  expiresAt: TIME,
  note: '',
};

export const target: TargetView = {
  host: 'web-1',
  exporter: 'node',
  job: 'node',
  target: '198.51.100.7:9100',
  metricsPath: '/metrics',
  labels: {},
  state: 'published',
  serial: '0a',
  notAfter: TIME,
  checkedAt: TIME,
  problem: null,
};

export const host: HostView = {
  name: 'web-1',
  state: 'active',
  fingerprint: 'SHA256:abc',
  address: '198.51.100.7',
  agentVersion: '0.1.0',
  enrolledAt: TIME,
  lastSeenAt: TIME,
  quarantine: null,
  identity: { serial: '0b', notAfter: TIME },
  exporters: [target],
};

export const certificate: CertificateView = {
  serial: '0b',
  role: 'agent',
  host: 'web-1',
  name: '',
  names: [],
  state: 'good',
  newest: true,
  notBefore: TIME,
  notAfter: TIME,
  revokedAt: null,
  reason: null,
};

export const scraper: ScraperStatus = {
  generation: 0,
  revokedAt: null,
  reason: null,
  prometheusProblem: null,
  waiting: 0,
  exporters: [],
};

type Answers = { [Feature in keyof Services]: Partial<Services[Feature]> };

/** Services that answer with fixed views and remember, in `calls`, what reached them. */
export function fakeServices(replaced: Partial<Answers> = {}): { services: Services; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const recorded =
    <T>(name: string, answer: T) =>
    (...given: unknown[]): Promise<T> => {
      calls.push([name, ...given]);
      return Promise.resolve(answer);
    };
  const services: Services = {
    tokens: {
      create: recorded('tokens.create', { token: 'tpjoin1.x', controller: 'c.example:7443', details: token }),
      list: recorded('tokens.list', [token]),
      revoke: recorded('tokens.revoke', { ...token, state: 'revoked' as const }),
      ...replaced.tokens,
    },
    hosts: {
      list: recorded('hosts.list', [host]),
      show: recorded('hosts.show', host),
      approve: recorded('hosts.approve', host),
      reject: recorded('hosts.reject', { ...host, state: 'rejected' as const }),
      revoke: recorded('hosts.revoke', { host: { ...host, state: 'revoked' as const }, remarks: [] }),
      renew: recorded('hosts.renew', { hosts: 1, from: TIME, until: TIME }),
      release: recorded('hosts.release', { host, remarks: [] }),
      ...replaced.hosts,
    },
    certificates: {
      list: recorded('certificates.list', { certificates: [certificate], more: false }),
      revoke: recorded('certificates.revoke', { certificate, remarks: [] }),
      ...replaced.certificates,
    },
    authorities: {
      list: recorded('authorities.list', { authorities: [], rotations: [] }),
      rotate: recorded('authorities.rotate', { authorities: [], rotations: [] }),
      ...replaced.authorities,
    },
    targets: {
      list: recorded('targets.list', [target]),
      check: recorded('targets.check', []),
      publish: recorded('targets.publish', { jobs: [] }),
      ...replaced.targets,
    },
    audit: {
      log: recorded('audit.log', { entries: [], next: null }),
      verify: recorded('audit.verify', {
        entries: 0,
        first: 1,
        head: `0:${'0'.repeat(64)}`,
        comparable: null,
        fault: null,
      }),
      ...replaced.audit,
    },
    scraper: {
      revoke: recorded('scraper.revoke', scraper),
      status: recorded('scraper.status', scraper),
      ...replaced.scraper,
    },
    prometheus: {
      setup: recorded('prometheus.setup', { folder: '/p', files: [], scrapeConfig: '', steps: [] }),
      check: recorded('prometheus.check', { findings: [] }),
      ...replaced.prometheus,
    },
    status: recorded('status', {
      version: '0.1.0',
      trustDomain: 'example.org',
      startedAt: TIME,
      controller: 'c.example:7443',
      authorities: [],
      hosts: { active: 0, pending: 0, quarantined: 0, revoked: 0, left: 0, rejected: 0, expired: 0 },
      targets: { published: 0, pending: 0, refused: 0 },
      scraper: null,
      prometheusFolder: '/p',
      publishProblem: null,
    }),
    unready: recorded('unready', undefined),
  };
  return { services, calls };
}
