import { TorchpassError } from '@torchpass/core';
import { describe, expect, it, vi } from 'vitest';
import type { CreateTokenInput } from '../api/types.ts';
import type { Enrolment } from '../hosts/enrol.ts';
import { enrolment, newKey, newToken, SERVER, type LabToken } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { hashSecret } from './redeem.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

interface Rejection {
  what: string;
  token?: CreateTokenInput;
  /** Makes the token unusable. */
  spoil?: (lab: Lab, token: LabToken) => unknown;
  change?: (token: LabToken) => Partial<Enrolment>;
  /** What the operator's log says. */
  reason: string;
}

const REJECTIONS: Rejection[] = [
  { what: 'an unknown id', change: () => ({ tokenId: 'aaaaaaaaaaaaaaaa' }), reason: 'unknown token' },
  {
    what: 'an id that is no id',
    change: () => ({ tokenId: `' or 1=1 --${'x'.repeat(500)}` }),
    reason: 'unknown token',
  },
  { what: 'no id', change: () => ({ tokenId: '' }), reason: 'unknown token' },
  { what: 'a wrong secret', change: () => ({ tokenSecret: Buffer.alloc(20) }), reason: 'wrong secret' },
  { what: 'no secret', change: () => ({ tokenSecret: Buffer.alloc(0) }), reason: 'wrong secret' },
  {
    what: 'the stored hash as the secret',
    change: ({ secret }) => ({ tokenSecret: hashSecret(secret) }),
    reason: 'wrong secret',
  },
  {
    what: 'the beginning of the secret',
    change: ({ secret }) => ({ tokenSecret: secret.subarray(0, 19) }),
    reason: 'wrong secret',
  },
  { what: 'an expired one', spoil: (lab) => lab.clock.advance(3_600_000), reason: 'expired' },
  { what: 'a revoked one', spoil: (lab, { id }) => lab.services.tokens.revoke(id, OPERATOR), reason: 'revoked' },
  {
    what: 'a used one',
    spoil: async (lab, token) => lab.enrol(enrolment(token, await newKey(), { hostName: 'first' })),
    reason: 'used up',
  },
  { what: 'a foreign network', token: { networks: ['203.0.113.0/24'] }, reason: 'source address not allowed' },
  { what: 'a foreign IPv6 network', token: { networks: ['2001:db8::/32'] }, reason: 'source address not allowed' },
];

describe('a join token is rejected', () => {
  it.each(REJECTIONS)('with $what', async ({ token: request = {}, spoil, change, reason }) => {
    const lab = await openLab();
    const token = await newToken(lab, request);
    await spoil?.(lab, token);
    const hostsBefore = (await lab.services.hosts.list()).length;
    await expect(lab.enrol(enrolment(token, await newKey(), change?.(token)))).rejects.toMatchObject({
      code: 'TOKEN_REJECTED',
    });
    expect(await lab.services.hosts.list()).toHaveLength(hostsBefore);
    const said = lab.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said.filter(({ msg }) => msg === 'join token rejected')).toMatchObject([{ reason, from: SERVER }]);
  });

  it('with the same words whatever the reason, also for a host that has moved on', async () => {
    const answers = new Set<string>();
    for (const { token: request = {}, spoil, change } of REJECTIONS) {
      const lab = await openLab();
      const token = await newToken(lab, request);
      await spoil?.(lab, token);
      answers.add(await answerTo(lab, enrolment(token, await newKey(), change?.(token))));
    }
    const lab = await openLab();
    const token = await newToken(lab);
    const again = enrolment(token, await newKey());
    await lab.enrol(again);
    await lab.services.hosts.revoke('web-1', '', OPERATOR);
    answers.add(await answerTo(lab, again));
    expect([...answers]).toHaveLength(1);
  });
});

async function answerTo(lab: Lab, request: Enrolment): Promise<string> {
  const error: unknown = await lab.enrol(request).catch((reason: unknown) => reason);
  if (!(error instanceof TorchpassError)) throw new Error('it was not refused');
  return JSON.stringify([error.code, error.kind, error.message, error.hint]);
}

describe('a token whose secret is guessed from many addresses', () => {
  const guess = async (lab: Lab, token: LabToken, address: string) =>
    answerTo(lab, enrolment({ ...token, secret: Buffer.alloc(20) }, await newKey(), { address }));

  it('is refused for everybody after twenty, with the same words, and the operator is told once', async () => {
    const lab = await openLab();
    const token = await newToken(lab);
    const answers = new Set<string>();
    for (let n = 1; n <= 40; n += 1) answers.add(await guess(lab, token, `198.51.100.${n}`));
    const right = enrolment(token, await newKey());
    answers.add(await answerTo(lab, right));
    expect([...answers]).toHaveLength(1);
    expect(await lab.services.hosts.list()).toEqual([]);
    const events = await lab.store.selectFrom('audit_log').select(['event', 'subject']).execute();
    expect(events.filter(({ event }) => event === 'token.guessed')).toEqual([
      { event: 'token.guessed', subject: token.id },
    ]);
    lab.clock.advance(10_000);
    expect(await lab.enrol(right)).toMatchObject({ hostName: 'web-1' });
  });

  it('takes no other token with it, and tokens that do not exist are not counted', async () => {
    const lab = await openLab();
    const [guessed, other] = [await newToken(lab), await newToken(lab)];
    for (let n = 1; n <= 25; n += 1) await guess(lab, guessed, `198.51.100.${n}`);
    for (let n = 1; n <= 25; n += 1) await guess(lab, { ...other, id: `unknown${n}` }, `198.51.100.${n}`);
    expect(await lab.enrol(enrolment(other, await newKey()))).toMatchObject({ hostName: 'web-1' });
  });
});

it('is accepted from the networks it names', async () => {
  const lab = await openLab();
  const token = await newToken(lab, { networks: ['2001:db8::/32', '198.51.100.0/24'], uses: 2 });
  await lab.enrol(enrolment(token, await newKey(), { hostName: 'a', address: '198.51.100.200' }));
  await lab.enrol(enrolment(token, await newKey(), { hostName: 'b', address: '2001:db8:1::1' }));
  expect(await lab.services.hosts.list()).toHaveLength(2);
});

describe('a hundred uses at once', () => {
  it.each([1, 7])('of a token with %d uses make exactly as many hosts', async (uses) => {
    const lab = await openLab();
    const token = await newToken(lab, { uses });
    const keys = await Promise.all(Array.from({ length: 100 }, newKey));
    const outcomes = await Promise.allSettled(
      keys.map((key, index) => lab.enrol(enrolment(token, key, { hostName: `web-${index}` }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(uses);
    const refusals = outcomes.filter(({ status }) => status === 'rejected');
    const refusal = { reason: expect.objectContaining({ code: 'TOKEN_REJECTED' }) as unknown };
    expect(refusals).toMatchObject(Array.from({ length: 100 - uses }, () => refusal));
    expect(await lab.services.hosts.list()).toHaveLength(uses);
    expect(await lab.services.tokens.list()).toMatchObject([{ state: 'used', uses }]);
    const rows = await lab.store.selectFrom('certificates').select('serial').where('role', '=', 'agent').execute();
    expect(rows).toHaveLength(uses);
  });

  it('with one key make one host and one certificate, and all get the same answer', async () => {
    const lab = await openLab();
    const token = await newToken(lab);
    const request = enrolment(token, await newKey());
    const answers = await Promise.all(Array.from({ length: 100 }, () => lab.enrol(request)));
    expect(new Set(answers.map(({ certificate }) => certificate.chain[0]?.toString('hex')))).toHaveProperty('size', 1);
    expect(await lab.services.hosts.list()).toHaveLength(1);
    expect(await lab.services.tokens.list()).toMatchObject([{ uses: 1 }]);
  });
});
