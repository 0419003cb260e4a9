import type {
  AuditEntryView,
  CertificateView,
  ControllerStatus,
  CreatedToken,
  HostView,
  PrometheusSetup,
  ScraperStatus,
  TargetCheck,
  TargetView,
  TokenView,
} from '@torchpass/controller/api';

/** Views as the controller sends them, seen on 2026-01-01 at midnight. */

export const token: TokenView = {
  id: 'm5xw6zdpnrsw2ylt',
  state: 'usable',
  job: 'node',
  labels: { env: 'prod', team: 'a b' },
  hostName: null,
  replaces: false,
  addresses: [],
  networks: ['198.51.100.0/24'],
  exporters: [],
  approval: false,
  uses: 0,
  maxUses: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-01-01T01:00:00.000Z',
  note: '',
};

export const created: CreatedToken = {
  token: 'tpjoin1.m5xw6zdpnrsw2ylt.SECRET.PIN.CHECK',
  controller: 'c.example.org:7443',
  details: token,
};

export const target: TargetView = {
  host: 'web-1',
  exporter: 'node',
  job: 'node',
  target: '198.51.100.7:9100',
  metricsPath: '/metrics',
  labels: { env: 'prod' },
  state: 'published',
  serial: '0a0b',
  notAfter: '2026-01-07T00:00:00.000Z',
  checkedAt: '2025-12-31T23:59:30.000Z',
  problem: null,
};

export const host: HostView = {
  name: 'web-1',
  state: 'active',
  fingerprint: 'SHA256:zp2zlFDDsv1hBRSyqGyWZi1zAmtBqLHBNDbN8OFzVPY',
  address: '198.51.100.7',
  agentVersion: '0.1.0',
  enrolledAt: '2025-12-30T00:00:00.000Z',
  lastSeenAt: '2025-12-31T23:58:00.000Z',
  quarantine: null,
  identity: { serial: '0c0d', notAfter: '2026-01-29T00:00:00.000Z' },
  exporters: [target],
};

export const auditEntry: AuditEntryView = {
  number: 7,
  at: '2026-01-01T00:00:00.000Z',
  event: 'host.revoked',
  by: { kind: 'operator', name: 'olga', from: 'socket' },
  subject: 'web-1',
  details: { reason: 'key stolen', host_id: null },
  mac: '0f'.repeat(32),
};

export const certificate: CertificateView = {
  serial: '4c8a0f6d4c8a0f6d4c8a0f6d4c8a0f6d',
  role: 'exporter',
  host: 'web-1',
  name: 'node',
  names: ['198.51.100.7'],
  state: 'good',
  newest: true,
  notBefore: '2025-12-31T00:00:00.000Z',
  notAfter: '2026-01-07T00:00:00.000Z',
  revokedAt: null,
  reason: null,
};

export const scraper: ScraperStatus = {
  generation: 1,
  revokedAt: '2025-12-31T23:58:00.000Z',
  reason: 'stolen',
  prometheusProblem: null,
  waiting: 1,
  exporters: [
    {
      host: 'web-2',
      exporter: 'node',
      target: '198.51.100.8:9100',
      lastSeenAt: '2025-12-31T23:57:00.000Z',
      state: 'old trust',
      problem: 'It lets in the key.',
    },
    {
      host: 'web-1',
      exporter: 'node',
      target: '198.51.100.7:9100',
      lastSeenAt: '2025-12-31T23:59:00.000Z',
      state: 'done',
      problem: null,
    },
  ],
};

export const standing: TargetCheck = {
  host: 'web-1',
  exporter: 'node',
  target: '198.51.100.7:9100',
  layers: [
    { name: 'plain HTTP', passed: true, found: 'refused' },
    { name: 'no certificate', passed: true, found: 'refused' },
  ],
  passed: true,
};

export const open: TargetCheck = {
  ...standing,
  host: 'web-2',
  layers: [{ name: 'plain HTTP', passed: false, found: 'answered with metrics' }],
  passed: false,
};

export const setup: PrometheusSetup = {
  folder: '/var/lib/torchpass/prometheus',
  files: [{ path: 'scraper.pem', purpose: "Prometheus's own certificate" }],
  scrapeConfig: '- job_name: torchpass\n  scheme: https\n',
  steps: ['Paste the text.', 'Reload Prometheus.'],
};

export const status: ControllerStatus = {
  version: '0.1.0',
  trustDomain: 'example.org',
  startedAt: '2025-12-31T00:00:00.000Z',
  controller: 'c.example.org:7443',
  authorities: [
    {
      role: 'exporter',
      state: 'active',
      serial: '0e0f',
      notBefore: '2025-12-01T00:00:00.000Z',
      notAfter: '2030-01-01T00:00:00.000Z',
    },
  ],
  hosts: { active: 2, pending: 1, quarantined: 0, revoked: 1, left: 0, rejected: 0, expired: 0 },
  targets: { published: 2, pending: 1, refused: 0 },
  scraper: { serial: '0102', notAfter: '2026-01-05T00:00:00.000Z' },
  prometheusFolder: '/var/lib/torchpass/prometheus',
  publishProblem: null,
};
