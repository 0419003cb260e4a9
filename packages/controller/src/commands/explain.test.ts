import { expect, it, vi } from 'vitest';
import { joinHost, newToken, SERVER } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { explainDecision, type ExplainFlags } from './explain.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const policy = { allowed_networks: ['198.51.100.0/24'], host_names: ['web-*'], labels: { env: ['prod'] } };

/** What is said, and the code of the error at the end. */
async function asked(lab: Lab, flags: ExplainFlags) {
  const lines: string[] = [];
  const code = await explainDecision(flags, lab, (line) => lines.push(line)).then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );
  return { lines, code };
}

it('explains the decision on a host that is there, beside a running controller', async () => {
  const lab = await openLab({ config: { policy } });
  await (await joinHost(lab, { token: { labels: { env: 'prod' } } })).serve();
  const { lines, code } = await asked(lab, { host: 'web-1', exporter: 'node' });
  expect(code).toBeUndefined();
  expect(lines).toEqual([
    'allowed  policy.host_names         web-1: it fits web-*',
    `allowed  policy.source_networks    ${SERVER}: not restricted`,
    'allowed  policy.labels             env=prod: it is listed',
    'allowed  policy.exporters          node: not restricted',
    'allowed  policy.jobs               node: not restricted',
    expect.stringContaining('own_addresses') as string,
    `allowed  policy.addresses          ${SERVER}: the host connects from it`,
    `allowed  policy.target_networks    ${SERVER}: not restricted`,
    `allowed  policy.allowed_networks   ${SERVER}: it is public, or its network is listed`,
    `allowed  policy.shared_addresses   ${SERVER}: no other host has it`,
    'Allowed.',
  ]);
});

it.each<[string, ExplainFlags, string]>([
  ['a name', { host: 'db-1' }, 'policy.host_names'],
  ['a label', { host: 'web-9', label: ['env=dev'] }, 'policy.labels'],
  ["another host's address", { host: 'web-9', from: SERVER, exporter: 'node' }, 'policy.shared_addresses'],
  ['an address that nobody named', { host: 'web-1', address: '198.51.100.8' }, 'policy.addresses'],
  ['a private address', { host: 'web-9', from: '10.0.0.1', exporter: 'node' }, 'policy.allowed_networks'],
])('says which rule refuses %s', async (_what, flags, rule) => {
  const lab = await openLab({ config: { policy } });
  await (await joinHost(lab, {})).serve();
  const { lines, code } = await asked(lab, flags);
  expect(code).toBe('POLICY_REFUSED');
  expect(lines.filter((line) => line.startsWith('REFUSED')).map((line) => line.split(/ +/)[1])).toEqual([rule]);
});

it('takes what a token allows, and tells programs the same', async () => {
  const lab = await openLab({ config: { policy } });
  const token = await newToken(lab, { hostName: 'web-7', exporters: ['node'], networks: ['203.0.113.0/24'] });
  const flags = { token: token.id, from: SERVER, exporter: 'redis', output: 'json' };
  const { lines, code } = await asked(lab, flags);
  expect(code).toBe('POLICY_REFUSED');
  const { allowed, steps } = JSON.parse(lines.join('\n')) as {
    allowed: boolean;
    steps: { rule: string; allowed: boolean }[];
  };
  expect(allowed).toBe(false);
  expect(steps.filter((step) => !step.allowed).map(({ rule }) => rule)).toEqual(['token.networks', 'token.exporters']);
  expect(lines.join('\n')).not.toContain(token.text);
});

it.each<[string, ExplainFlags, string]>([
  ['a token that is not there', { token: 'aaaaaaaaaaaaaaaa' }, 'NOT_FOUND'],
  ['a label without a value', { label: ['env'] }, 'USAGE'],
  ['a port that is none', { port: 'x' }, 'USAGE'],
  ['a source that is a name', { from: 'web.example.org' }, 'ADDRESS_INVALID'],
])('refuses %s', async (_what, flags, code) => {
  const lab = await openLab({ config: { policy } });
  expect(await asked(lab, flags)).toEqual({ lines: [], code });
});
