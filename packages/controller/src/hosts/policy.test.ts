import { TargetState } from '@torchpass/protocol';
import { describe, expect, it, vi } from 'vitest';
import { enrolment, hostRow, joinHost, newKey, newToken, report, SERVER } from '../testing/host.ts';
import { answerTo } from '../testing/answer.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { published } from '../testing/published.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const allowed_networks = ['198.51.100.0/24', '2001:db8::/32'];
const openWith = (policy: Record<string, unknown> = {}, rest: Record<string, unknown> = {}) =>
  openLab({ config: { policy: { allowed_networks, ...policy }, ...rest } });

/** The same installation after the operator changed the policy and started it again. */
async function restarted(lab: Lab, policy: Record<string, unknown>): Promise<Lab> {
  await lab.close();
  const { folder, clock } = lab;
  return openLab({ folder, clock, config: { policy: { allowed_networks, ...policy } } });
}

/** How often each rule refused, of those that did. */
async function refusals({ metrics }: Lab): Promise<Record<string, number>> {
  const all = await metrics.registry.getMetricsAsJSON();
  const samples = all.find(({ name }) => name === 'torchpass_policy_refusals_total')?.values ?? [];
  const refused = samples.filter(({ value }) => value > 0);
  return Object.fromEntries(refused.map(({ labels, value }) => [String(labels['rule']), value]));
}

describe('a policy that has become stricter', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['names', { host_names: ['db-*'] }, 'policy.host_names'],
    ['networks', { source_networks: ['203.0.113.0/24'] }, 'policy.source_networks'],
    ['labels', { labels: { env: ['dev'] } }, 'policy.labels'],
  ])(
    'on %s ends the renewal of a host, of identity and exporter, and takes its target off',
    async (_what, policy, rule) => {
      const before = await openWith();
      const other = { name: 'db-2', address: '198.51.100.9', token: { job: 'node', labels: { env: 'dev' } } };
      await (await joinHost(before, other)).serve();
      const host = await joinHost(before, { token: { labels: { env: 'prod' }, job: 'node' } });
      const serial = await host.serve();
      expect(await published(before)).toHaveLength(2);

      const lab = await restarted(before, policy);
      const row = await hostRow(lab, 'web-1');
      const { publicKey } = await newKey();
      await expect(lab.certificates.identity(row, publicKey, SERVER)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
      await expect(lab.certificates.exporter(row, 'node', publicKey, SERVER)).rejects.toMatchObject({
        code: 'POLICY_REFUSED',
      });
      const { exporters } = await lab.checkIn({
        host: row,
        request: {
          agentVersion: '',
          rootsDigest: Buffer.alloc(0),
          exporters: [report({ servingSerial: Buffer.from(serial, 'hex') })],
        },
        address: SERVER,
        identitySerial: undefined,
      });
      const [answer] = exporters;
      expect(answer).toMatchObject({ state: TargetState.REFUSED, ipAddresses: [] });
      expect(answer?.problem).toMatch(/^The policy /);
      expect(await published(lab)).toEqual(['node.json 198.51.100.9:9100']);
      const [target] = (await lab.services.hosts.show('web-1')).exporters;
      expect(target).toMatchObject({ state: 'refused', problem: answer?.problem });
      expect(await refusals(lab)).toEqual({ [rule]: 3 });
    },
  );

  it.each<[string, Record<string, unknown>, string]>([
    ['exporters', { exporters: ['redis'] }, 'EXPORTER_REFUSED'],
    ['jobs', { jobs: ['redis'] }, 'EXPORTER_REFUSED'],
    ['target networks', { target_networks: ['203.0.113.0/24'] }, 'ADDRESS_REFUSED'],
    ['special networks', { allowed_networks: [] }, 'ADDRESS_REFUSED'],
  ])('on %s ends the renewal of its certificates, not of the identity', async (_what, policy, code) => {
    const before = await openWith();
    await (await joinHost(before, {})).serve();
    const lab = await restarted(before, policy);
    const row = await hostRow(lab, 'web-1');
    const { publicKey } = await newKey();
    await expect(lab.certificates.exporter(row, 'node', publicKey, SERVER)).rejects.toMatchObject({ code });
    expect(await lab.certificates.identity(row, publicKey, SERVER)).toMatchObject({
      serial: expect.any(String) as string,
    });
  });
});

describe('an enrolment', () => {
  it('under a name that the policy does not allow is refused with a sentence, and the token is not used', async () => {
    const lab = await openWith({ host_names: ['web-*'] });
    const token = await newToken(lab);
    await expect(lab.enrol(enrolment(token, await newKey(), { hostName: 'db-1' }))).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
      message: expect.stringContaining('"db-1"') as string,
    });
    expect(await lab.enrol(enrolment(token, await newKey()))).toMatchObject({ hostName: 'web-1' });
  });

  it('from where the policy allows nobody learns no more than with a wrong token', async () => {
    const lab = await openWith({ source_networks: ['203.0.113.0/24'] });
    const token = await newToken(lab);
    const wrong = enrolment({ ...token, secret: Buffer.alloc(20) }, await newKey());
    const known = await answerTo(lab.enrol(wrong));
    expect(await answerTo(lab.enrol(enrolment(token, await newKey())))).toEqual(known);
    expect(await refusals(lab)).toEqual({ 'policy.source_networks': 1 });
  });

  it('with a token from before the policy is judged by the policy of now', async () => {
    const before = await openWith();
    const token = await newToken(before, { labels: { env: 'prod' }, approval: true });
    const key = await newKey();
    await expect(before.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'APPROVAL_PENDING' });
    await before.services.hosts.approve('web-1', undefined, { kind: 'operator', name: '', from: 'socket' });
    const lab = await restarted(before, { labels: {} });
    await expect(lab.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  });
});

describe('a token that asks for more than the policy allows is not made', () => {
  const policy = {
    host_names: ['web-*'],
    source_networks: ['198.51.100.0/24'],
    target_networks: ['198.51.100.0/24'],
    dns_names: ['*.example.org'],
    jobs: ['node', 'web*'],
    exporters: ['node'],
    labels: { env: ['prod'] },
  };
  it.each([
    { hostName: 'db-1' },
    { networks: ['198.51.0.0/16'] },
    { networks: ['2001:db8::/64'] },
    { addresses: ['198.51.101.7'] },
    { addresses: ['web.example.net'] },
    { addresses: ['10.0.0.1'] },
    { addresses: ['127.0.0.1'] },
    { job: 'billing' },
    { exporters: ['node', 'redis'] },
    { labels: { env: 'dev' } },
    { labels: { team: 'a' } },
  ])('%j', async (request) => {
    const lab = await openWith(policy);
    await expect(newToken(lab, request)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
    expect(await lab.services.tokens.list()).toEqual([]);
  });

  it('and one that asks for what it allows is', async () => {
    const lab = await openWith(policy);
    await newToken(lab, {
      hostName: 'web-7',
      networks: ['198.51.100.128/25'],
      addresses: ['198.51.100.7', 'web.example.org'],
      job: 'web-eu',
      exporters: ['node'],
      labels: { env: 'prod' },
    });
    expect(await lab.services.tokens.list()).toHaveLength(1);
  });
});

describe('addresses of our own', () => {
  it.each<[string, Record<string, unknown>]>([
    ['what agents dial', { advertise_address: `${SERVER}:7443` }],
    ["Prometheus's own interface", { prometheus: { web_names: [SERVER] } }],
    ['a scraper', { prometheus: { scraper_addresses: [SERVER] } }],
  ])('are no targets: %s', async (_what, config) => {
    const lab = await openWith({}, config);
    const host = await joinHost(lab, {});
    const [answer] = await host.checkIn([report()]);
    expect(answer).toMatchObject({ state: TargetState.REFUSED, ipAddresses: [] });
    expect(answer?.problem).toContain('policy.addresses');
  });

  it('are, where the policy names them for this host', async () => {
    const lab = await openWith({ addresses: { 'web-1': [SERVER] } }, { advertise_address: `${SERVER}:7443` });
    await (await joinHost(lab, {})).serve();
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
  });
});

describe('hosts behind one address', () => {
  it('may share it where the policy says so, each on a port of its own', async () => {
    const lab = await openWith({ shared_addresses: [SERVER] });
    await (await joinHost(lab, { name: 'a' })).serve({ port: 9100 });
    const other = await joinHost(lab, { name: 'b' });
    expect(await other.checkIn([report({ port: 9100 })])).toMatchObject([
      { state: TargetState.REFUSED, problem: expect.stringContaining('a port of its own') as string },
    ]);
    await other.serve({ port: 9101 });
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`, `node.json ${SERVER}:9101`]);
  });

  it('keep it no longer than the policy says so: no certificate is renewed for either', async () => {
    const before = await openWith({ shared_addresses: [SERVER] });
    await (await joinHost(before, { name: 'a' })).serve({ port: 9100 });
    await (await joinHost(before, { name: 'b' })).serve({ port: 9101 });
    const lab = await restarted(before, {});
    for (const name of ['a', 'b']) {
      const { publicKey } = await newKey();
      const asked = lab.certificates.exporter(await hostRow(lab, name), 'node', publicKey, SERVER);
      await expect(asked).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    }
  });
});
