import { describe, expect, it } from 'vitest';
import { problem } from '../testing/fake-api.ts';
import { run, runAlone } from '../testing/run.ts';
import {
  auditEntry,
  certificate,
  created,
  host,
  open,
  scraper,
  setup,
  standing,
  status,
  target,
  token,
} from '../testing/views.ts';
import { commands } from './index.ts';

const HEAD = `7:${'0f'.repeat(32)}`;
const TOKEN_ID = token.id;

/** Command line, what the API is asked, its answer, exit code, what the text shows. */
const GOOD: [string, unknown[], unknown, number, (string | RegExp)[]][] = [
  [
    'token create --job node --label env=prod --label team=a=b --expires-in 2h --uses 3 --host-name web-1 ' +
      '--address 198.51.100.7 --network 198.51.100.0/24 --exporter node --note hello',
    [
      'POST',
      '/api/v1/tokens',
      {
        job: 'node',
        labels: { env: 'prod', team: 'a=b' },
        expiresIn: '2h',
        uses: 3,
        hostName: 'web-1',
        addresses: ['198.51.100.7'],
        networks: ['198.51.100.0/24'],
        exporters: ['node'],
        note: 'hello',
      },
    ],
    created,
    0,
    [
      /^  tpjoin1\.m5xw6zdpnrsw2ylt\.SECRET\.PIN\.CHECK$/m,
      /^  torchpass-agent enroll --controller c\.example\.org:7443$/m,
      '--token-file',
      'env=prod team="a b"',
      '2026-01-01T01:00:00Z (in 1 hour)',
    ],
  ],
  [
    'token create',
    ['POST', '/api/v1/tokens', { labels: {}, addresses: [], networks: [], exporters: [] }],
    { ...created, details: { ...token, job: null } },
    0,
    ["each exporter's name"],
  ],
  ['token list', ['GET', '/api/v1/tokens'], { tokens: [token] }, 0, [TOKEN_ID, 'usable', '0/1', 'in 1 hour']],
  ['token list', ['GET', '/api/v1/tokens'], { tokens: [] }, 0, ['torchpass token create']],
  [
    `token revoke ${TOKEN_ID}`,
    ['POST', `/api/v1/tokens/${TOKEN_ID}/revoke`, {}],
    { ...token, state: 'revoked' },
    0,
    [`Token ${TOKEN_ID} is revoked.`],
  ],
  ['host list', ['GET', '/api/v1/hosts'], { hosts: [host] }, 0, ['web-1', 'active', 'in 28 days', '2 minutes ago']],
  ['host list', ['GET', '/api/v1/hosts'], { hosts: [] }, 0, ['no hosts yet']],
  [
    'host show web-1',
    ['GET', '/api/v1/hosts/web-1'],
    { ...host, exporters: [{ ...target, problem: 'It is open.' }] },
    0,
    ['2026-01-29T00:00:00Z (in 28 days)', '198.51.100.7:9100', '2026-01-07T00:00:00Z (in 6 days)', 'It is open.'],
  ],
  [
    'host approve web-1 --fingerprint SHA256:zp2z',
    ['POST', '/api/v1/hosts/web-1/approve', { fingerprint: 'SHA256:zp2z' }],
    host,
    0,
    ['The host web-1 is approved', host.fingerprint ?? ''],
  ],
  [
    'host reject web-1 --reason unknown --yes',
    ['POST', '/api/v1/hosts/web-1/reject', { reason: 'unknown' }],
    { ...host, state: 'rejected' },
    0,
    ['The host web-1 is rejected'],
  ],
  [
    'host list',
    ['GET', '/api/v1/hosts'],
    { hosts: [{ ...host, state: 'pending', identity: null }] },
    0,
    [/web-1 +SHA256:zp2zlFDDsv1hBRSyqGyWZi1zAmtBqLHBNDbN8OFzVPY +198/],
  ],
  ['ca list', ['GET', '/api/v1/authorities'], { authorities: [], rotations: [] }, 0, ['SERIAL NUMBER']],
  [
    'ca rotate exporter',
    ['POST', '/api/v1/authorities/exporter/rotate', { action: 'go', leaveBehind: [], force: false }],
    { authorities: [], rotations: [] },
    0,
    ['SERIAL NUMBER'],
  ],
  [
    'host revoke web-1 --reason stolen --yes',
    ['POST', '/api/v1/hosts/web-1/revoke', { reason: 'stolen' }],
    { host: { ...host, state: 'revoked' }, remarks: ['Rotate the password.'] },
    0,
    ['The host web-1 is revoked.', 'Rotate the password.'],
  ],
  [
    'host release web-1 --yes',
    ['POST', '/api/v1/hosts/web-1/release', {}],
    { host, remarks: ['Look again in an hour.'] },
    0,
    ['The host web-1 is active.', 'Look again in an hour.'],
  ],
  [
    'certificate list --host web-1 --role exporter',
    ['POST', '/api/v1/certificates/list', { host: 'web-1', role: 'exporter', all: false }],
    { certificates: [certificate], more: false },
    0,
    [certificate.serial, 'node, 198.51.100.7', 'good, newest', 'in 6 days'],
  ],
  [
    'certificate list --all',
    ['POST', '/api/v1/certificates/list', { all: true }],
    { certificates: [], more: false },
    0,
    ['no such certificates'],
  ],
  [
    `certificate revoke 4C:8A:0F:6D${certificate.serial.slice(8)} --reason keyCompromise --yes`,
    ['POST', `/api/v1/certificates/${certificate.serial}/revoke`, { reason: 'keyCompromise' }],
    { certificate: { ...certificate, state: 'revoked', reason: 'keyCompromise' }, remarks: ['It comes back.'] },
    0,
    [`The certificate ${certificate.serial} is revoked.`, 'It comes back.'],
  ],
  [
    'host renew --all --only exporters',
    ['POST', '/api/v1/hosts/renew', { hosts: [], within: '1h', only: 'exporters' }],
    { hosts: 20, from: '2026-01-01T00:00:00.000Z', until: '2026-01-01T01:00:00.000Z' },
    0,
    ['20 hosts will renew, the last at 2026-01-01T01:00:00Z (in 1 hour)'],
  ],
  [
    'host renew web-1 web-2',
    ['POST', '/api/v1/hosts/renew', { hosts: ['web-1', 'web-2'], within: '0s' }],
    { hosts: 2, from: '2026-01-01T00:00:00.000Z', until: '2026-01-01T00:00:00.000Z' },
    0,
    ['2 hosts will renew'],
  ],
  [
    'target list',
    ['GET', '/api/v1/targets'],
    { targets: [target] },
    0,
    ['198.51.100.7:9100', 'published', 'in 6 days'],
  ],
  ['target check', ['POST', '/api/v1/targets/check', {}], { checks: [standing] }, 0, [/pass +plain HTTP +refused/]],
  [
    'target check web-2',
    ['POST', '/api/v1/targets/check', { host: 'web-2' }],
    { checks: [standing, open] },
    1,
    [/FAIL +plain HTTP +answered with metrics/, '2 targets checked, 1 with a defence that does not stand.'],
  ],
  ['target check', ['POST', '/api/v1/targets/check', {}], { checks: [] }, 0, ['no target to check']],
  [
    'target publish --allow-empty',
    ['POST', '/api/v1/targets/publish', { allowEmpty: true }],
    { jobs: [{ job: 'node', file: '/p/targets/node.json', targets: 0, changed: true }] },
    0,
    [/node +0 +\/p\/targets\/node\.json +written/],
  ],
  [
    'target publish',
    ['POST', '/api/v1/targets/publish', { allowEmpty: false }],
    { jobs: [] },
    0,
    ['nothing to publish'],
  ],
  [
    'audit log --since 1d --event host.revoked --subject web-1 --before 9 --limit 1',
    ['POST', '/api/v1/audit/log', { since: '1d', event: 'host.revoked', subject: 'web-1', before: 9, limit: 1 }],
    { entries: [auditEntry], next: 7 },
    0,
    [/7 +2026-01-01T00:00:00Z +host\.revoked +web-1 +operator olga from socket +reason="key stolen"/, '--before 7'],
  ],
  ['audit log', ['POST', '/api/v1/audit/log', { limit: 50 }], { entries: [], next: null }, 0, ['no such entry']],
  [
    'audit verify',
    ['POST', '/api/v1/audit/verify', {}],
    { entries: 7, first: 1, head: HEAD, comparable: null, fault: null },
    0,
    ['is whole', '7 entries fit, from number 1', HEAD],
  ],
  [
    `audit verify --head ${HEAD}`,
    ['POST', '/api/v1/audit/verify', { head: HEAD }],
    {
      entries: 3,
      first: 1,
      head: HEAD,
      comparable: true,
      fault: { kind: 'missing', number: 4, sentence: 'Entry 4 is missing.' },
    },
    1,
    ['Entry 4 is missing.', '3 entries fit'],
  ],
  [
    'scraper revoke --reason stolen --yes',
    ['POST', '/api/v1/scraper/revoke', { reason: 'stolen' }],
    scraper,
    0,
    ['restart Prometheus', '1 exporter seen to refuse it, 1 not yet', /web-2 +node +198\.51\.100\.8:9100 +old trust/],
  ],
  [
    'scraper revoke --yes',
    ['POST', '/api/v1/scraper/revoke', { reason: '' }],
    { ...scraper, prometheusProblem: 'The disk is full.' },
    1,
    ['Prometheus does not have its new one yet', 'The disk is full.'],
  ],
  [
    'scraper status',
    ['GET', '/api/v1/scraper'],
    { ...scraper, waiting: 0, exporters: scraper.exporters.slice(1) },
    0,
    ['Given up 2 minutes ago: 1 exporter seen to refuse it, 0 not yet.'],
  ],
  ['scraper status', ['GET', '/api/v1/scraper'], scraper, 1, ['It lets in the key']],
  [
    'scraper status',
    ['GET', '/api/v1/scraper'],
    { generation: 0, revokedAt: null, reason: null, prometheusProblem: null, waiting: 0, exporters: [] },
    0,
    ['ever given up'],
  ],
  [
    'prometheus setup',
    ['POST', '/api/v1/prometheus/setup', {}],
    setup,
    0,
    [/^- job_name: torchpass\n  scheme: https$/m, '1. Paste the text.', '2. Reload Prometheus.', 'scraper.pem'],
  ],
  [
    'status',
    ['GET', '/api/v1/status'],
    status,
    0,
    [
      '2 active, 1 to approve, 0 quarantined, 1 revoked, 0 left',
      '2026-01-05T00:00:00Z (in 4 days)',
      'exporter',
      'c.example.org:7443',
    ],
  ],
  ['status', ['GET', '/api/v1/status'], { ...status, publishProblem: 'The disk is full.' }, 0, ['The disk is full.']],
];

describe('every command', () => {
  it.each(GOOD)('%s', async (line, request, body, exitCode, shown) => {
    const ran = await run(line.split(' '), { body });
    expect(ran).toMatchObject({ exitCode, errors: '', requests: [request] });
    for (const text of shown) expect(ran.output).toMatch(text);
    expect(ran.output).not.toContain('\u001b');
    expect(ran.output).not.toMatch(/ $|undefined|null|\[object/m);
  });

  it.each(GOOD)('%s --output json prints exactly what the API answered', async (line, _request, body, exitCode) => {
    const ran = await run([...line.split(' '), '--output', 'json'], { body });
    expect(ran).toMatchObject({ exitCode, errors: '' });
    expect(JSON.parse(ran.output)).toEqual(body);
  });

  it('is covered by this table', () => {
    const uncovered = commands.filter(({ name }) => !GOOD.some(([line]) => line.startsWith(name)));
    expect(uncovered.map(({ name }) => name)).toEqual(['prometheus check']);
  });

  it.each(commands.map(({ name }) => name))('%s --help shows how to use it, with examples', async (name) => {
    const ran = await runAlone([...name.split(' '), '--help']);
    expect(ran).toMatchObject({ exitCode: 0, errors: '' });
    expect(ran.output).toContain(`Usage: torchpass ${name}`);
    expect(ran.output).toMatch(new RegExp(`Examples:\\n.*torchpass ${name}`));
    expect(ran.output).toContain('--output');
  });

  it.each(commands.flatMap(({ examples }) => examples.map(({ line }) => line)))(
    'the example works: %s',
    async (line) => {
      const words = [...(/torchpass (.*?)(?: [|>] .*)?$/.exec(line)?.[1] ?? '').matchAll(/"([^"]*)"|(\S+)/g)];
      const argv = words.map(([, quoted, plain]) => quoted ?? plain ?? '');
      const ran = await run(argv, problem('STORE_UNAVAILABLE', 503, 'Reached.'), { input: '' });
      expect(ran.errors).toMatch(/Reached|no file|no terminal/);
    },
  );
});
