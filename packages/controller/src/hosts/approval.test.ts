import { fingerprintText, keyFingerprint } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { enrolment, joinHost, newKey, newToken, type LabKey, type LabToken } from '../testing/host.ts';
import { answerTo } from '../testing/answer.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const shown = ({ publicKey }: LabKey) => fingerprintText(keyFingerprint(publicKey));

/** A lab with a host that has asked, once, and waits. */
async function waiting(config: Record<string, unknown> = {}) {
  const lab = await openLab({ config });
  const token = await newToken(lab, { approval: true });
  const key = await newKey();
  const ask = (by: LabKey = key, with_: LabToken = token) => lab.enrol(enrolment(with_, by));
  await expect(ask()).rejects.toMatchObject({ code: 'APPROVAL_PENDING' });
  return { lab, token, key, ask };
}

const agentCertificates = ({ store }: Lab) =>
  store.selectFrom('certificates').select('serial').where('role', '=', 'agent').execute();

const events = async ({ store }: Lab) => {
  const rows = await store.selectFrom('audit_log').select('event').orderBy('number').execute();
  return rows.map(({ event }) => event).filter((event) => event.startsWith('host.'));
};

it('a host whose token needs a person is shown with its key, and nothing is made for it', async () => {
  const { lab, key, ask } = await waiting();
  await expect(ask()).rejects.toThrow(shown(key));
  expect(await lab.services.hosts.list()).toMatchObject([
    { name: 'web-1', state: 'pending', identity: null, fingerprint: shown(key) },
  ]);
  expect(await agentCertificates(lab)).toEqual([]);
  expect(await lab.services.tokens.list()).toMatchObject([{ approval: true, uses: 1, state: 'used' }]);
  expect(await lab.metrics.registry.getSingleMetricAsString('torchpass_hosts')).toContain('state="pending"} 1');
});

it('once approved it gets a certificate for the key that was compared, the same however often it asks', async () => {
  const { lab, key, ask } = await waiting();
  await lab.services.hosts.approve('web-1', shown(key), OPERATOR);
  expect(await agentCertificates(lab)).toEqual([]);
  const { hostName, certificate } = await ask();
  expect(hostName).toBe('web-1');
  expect((await ask()).certificate.serial).toBe(certificate.serial);
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active', fingerprint: shown(key) });
  expect(await events(lab)).toEqual(['host.pending', 'host.approved']);
});

it('two requests at once after the approval get one certificate', async () => {
  const { lab, key, ask } = await waiting();
  await lab.services.hosts.approve('web-1', shown(key), OPERATOR);
  const [one, other] = await Promise.all([ask(), ask()]);
  expect(one.certificate.serial).toBe(other.certificate.serial);
});

it('is not approved under another fingerprint, and another key gets nothing by the approval', async () => {
  const { lab, key, ask } = await waiting();
  const thief = await newKey();
  const approval = lab.services.hosts.approve('web-1', shown(thief), OPERATOR);
  await expect(approval).rejects.toMatchObject({ code: 'FINGERPRINT_MISMATCH' });
  await expect(ask()).rejects.toMatchObject({ code: 'APPROVAL_PENDING' });
  await lab.services.hosts.approve('web-1', shown(key), OPERATOR);
  await expect(ask(thief)).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
});

it('holds its name while it waits, and gives it back when it is rejected; the caller learns nothing', async () => {
  const { lab, ask } = await waiting();
  await expect(joinHost(lab, {})).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  await lab.services.hosts.reject('web-1', 'nobody knows it', OPERATOR);
  const unknown = await newToken(lab);
  const wrong = await answerTo(ask(await newKey(), { ...unknown, secret: Buffer.alloc(20) }));
  expect(await answerTo(ask())).toEqual(wrong);
  await joinHost(lab, {});
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active' });
  expect(await events(lab)).toEqual(['host.pending', 'host.rejected', 'host.enrolled']);
});

it('expires when nobody approves it in time: it is refused then, and its name is free', async () => {
  const { lab, key, ask } = await waiting({ policy: { approval_expiry: '2h' } });
  lab.clock.advance(2 * 3_600_000 - 1);
  await lab.expirePending();
  await expect(ask()).rejects.toMatchObject({ code: 'APPROVAL_PENDING' });
  lab.clock.advance(1);
  await expect(ask()).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  const late = lab.services.hosts.approve('web-1', shown(key), OPERATOR);
  await expect(late).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await joinHost(lab, {});
  expect(await events(lab)).toEqual(['host.pending', 'host.expired', 'host.enrolled']);
});

it('frees its name at the next enrolment, also when no upkeep came between', async () => {
  const { lab } = await waiting();
  lab.clock.advance(24 * 3_600_000);
  await joinHost(lab, {});
  expect((await lab.services.hosts.list()).map(({ state }) => state).toSorted()).toEqual(['active', 'expired']);
});

it('is decided once: of an approval and a rejection at the same time one is too late', async () => {
  const { lab, key } = await waiting();
  const { approve, reject } = lab.services.hosts;
  const ends = await Promise.allSettled([approve('web-1', shown(key), OPERATOR), reject('web-1', '', OPERATOR)]);
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

it('gets nothing any more when its token is revoked while it waits, or the host after the approval', async () => {
  const revokedToken = await waiting();
  await revokedToken.lab.services.tokens.revoke(revokedToken.token.id, OPERATOR);
  await revokedToken.lab.services.hosts.approve('web-1', undefined, OPERATOR);
  await expect(revokedToken.ask()).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  const revokedHost = await waiting();
  await revokedHost.lab.services.hosts.approve('web-1', undefined, OPERATOR);
  await revokedHost.lab.services.hosts.revoke('web-1', 'a mistake', OPERATOR);
  await expect(revokedHost.ask()).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
});
