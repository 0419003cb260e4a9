import type { ExporterReport } from '@torchpass/protocol';
import { describe, expect, it } from 'vitest';
import type { HostTable } from '../store/schema.ts';
import { report } from '../testing/host.ts';
import { openPolicy } from '../testing/policy.ts';
import { decideExporter } from './desired-exporter.ts';

const OBSERVED = '193.0.14.129';

interface Given {
  allowed?: { addresses?: string[]; exporters?: string[]; job?: string | null };
  observed?: string;
  /** Addresses of every name. */
  resolved?: string[];
}

function decide(
  change: Partial<ExporterReport>,
  { allowed = {}, observed = OBSERVED, resolved = ['8.8.8.8'] }: Given = {},
) {
  const host: HostTable = {
    id: 'h',
    name: 'web-1',
    state: 'active',
    token_id: 't',
    job: allowed.job ?? null,
    labels: '{}',
    addresses: JSON.stringify(allowed.addresses ?? []),
    exporters: JSON.stringify(allowed.exporters ?? []),
    address: observed,
    agent_version: '',
    enrolled_at: '',
    last_seen_at: '',
    ended_at: null,
    end_reason: null,
    quarantined_at: null,
    quarantine_reason: null,
    roots_digest: null,
    identity_serial: null,
    other_address: null,
    other_seen_at: null,
    mac: '',
  };
  const resolve = () => Promise.resolve(resolved);
  return decideExporter(report(change), { host, from: [observed], current: null, policy: openPolicy(), resolve });
}

describe('the target of an exporter', () => {
  it('is the address that the host connects from, unless it says another', async () => {
    expect(await decide({ port: 9100 })).toEqual({
      name: 'node',
      job: 'node',
      port: 9100,
      metricsPath: '/metrics',
      dnsNames: [],
      ipAddresses: [OBSERVED],
      target: `${OBSERVED}:9100`,
      connectTo: OBSERVED,
      unresolved: null,
      problem: null,
      refused: null,
      reportedProblem: null,
    });
    expect(await decide({}, { observed: '2a01:4f8::1' })).toMatchObject({
      ipAddresses: ['2a01:4f8::1'],
      target: '[2a01:4f8::1]:9100',
    });
  });

  it('may be the observed address spelt out, in any form', async () => {
    expect(await decide({ address: `::ffff:${OBSERVED}` })).toMatchObject({ target: `${OBSERVED}:9100` });
  });

  it('may be a name that the token allows, and is certified for that name only', async () => {
    const given = { allowed: { addresses: ['web.example.org'] } };
    expect(await decide({ address: 'WEB.example.org' }, given)).toMatchObject({
      dnsNames: ['web.example.org'],
      ipAddresses: [],
      target: 'web.example.org:9100',
      connectTo: '8.8.8.8',
    });
  });

  it("has the token's job, or the exporter's name when the token leaves it open", async () => {
    expect(await decide({}, { allowed: { job: 'edge' } })).toMatchObject({ job: 'edge', problem: null });
    expect(await decide({ job: 'edge' }, { allowed: { job: 'edge' } })).toMatchObject({ job: 'edge', problem: null });
    expect(await decide({ name: 'process' })).toMatchObject({ job: 'process' });
  });
});

describe('an exporter is refused', () => {
  it.each<[string, Partial<ExporterReport>, Given, RegExp]>([
    [
      'at an address that the token does not allow',
      { address: '8.8.8.8' },
      {},
      /connects from 193\.0\.14\.129.*8\.8\.8\.8/,
    ],
    ['at a name that the token does not allow', { address: 'web.example.org' }, {}, /web\.example\.org/],
    [
      'at a name that points inward',
      { address: 'web.example.org' },
      { allowed: { addresses: ['web.example.org'] }, resolved: ['10.0.0.1'] },
      /10\.0\.0\.1/,
    ],
    [
      'at a private address that the token allows',
      { address: '10.0.0.1' },
      { allowed: { addresses: ['10.0.0.1'] } },
      /policy/,
    ],
    ['at the cloud metadata service', {}, { observed: '169.254.169.254' }, /linkLocal/],
    ['at an address with a port', { address: '8.8.8.8:80' }, {}, /neither/],
    ['on port 0', { port: 0 }, {}, /TCP port/],
    ['on port 65536', { port: 65_536 }, {}, /TCP port/],
    ['on port 4294967295', { port: 4_294_967_295 }, {}, /TCP port/],
    ['with a path that is no path', { metricsPath: 'metrics' }, {}, /path/],
    ['with a path of two requests', { metricsPath: '/metrics HTTP/1.1\r\nHost: x' }, {}, /path/],
    ['with a path that ends a line', { metricsPath: '/metrics\n' }, {}, /path/],
    ['with a path without end', { metricsPath: `/${'x'.repeat(200)}` }, {}, /path/],
    ['with a name that is a path', { name: '../../etc/passwd' }, {}, /name/],
    ['with no name', { name: '' }, {}, /name/],
    ['that the token does not list', { name: 'redis' }, { allowed: { exporters: ['node'] } }, /only node/],
    ['in a job that the token does not give', { job: 'billing' }, { allowed: { job: 'edge' } }, /"edge"/],
    ['in a job that is no name', { job: '../billing' }, {}, /job/],
    ['with a path that has a query', { metricsPath: '/probe?target=x' }, {}, /\? # %/],
    ['with a path that is escaped', { metricsPath: '/a%20b' }, {}, /\? # %/],
  ])('%s', async (_what, change, given, why) => {
    const decided = await decide(change, given);
    expect(decided).toMatchObject({ target: null, connectTo: null, dnsNames: [], ipAddresses: [] });
    expect(decided.problem).toMatch(why);
  });

  it('and what is kept of it is short', async () => {
    const decided = await decide({ metricsPath: '/'.repeat(100_000), address: 'x'.repeat(100_000) });
    expect(JSON.stringify(decided).length).toBeLessThan(1000);
  });
});
