import { certificatesToPem, createCertificateRequest, generatePrivateKey, privateKeyToPem } from '@torchpass/pki';
import SqliteDatabase from 'better-sqlite3';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { backUp, otherMachine, restoreOn } from '../testing/backup.ts';
import { dial, enrollOver, type Identity } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const checkIn = { agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] };
const MINUTE_MS = 60_000;

const callWith = (lab: RunningLab, identity: Identity) => dial(lab, identity).checkIn(checkIn);

async function renew(lab: RunningLab, identity: Identity): Promise<Identity> {
  const key = await generatePrivateKey();
  const { certificate } = await dial(lab, identity).issueCertificate({
    purpose: { $case: 'identity', value: {} },
    certificateRequest: createCertificateRequest(key),
  });
  return { chain: certificatesToPem(certificate?.chain ?? []), key: privateKeyToPem(key) };
}

/** A controller with one host, its backup, and what `meanwhile` did; then the same on another machine. */
async function restored<T>(
  meanwhile: (lab: RunningLab, identity: Identity) => Promise<T>,
  { revoke = [], window, spoil }: { revoke?: string[]; window?: number; spoil?: string } = {},
) {
  const lost = await startLab();
  const identity = await enrollOver(lost, await newToken(lost));
  await callWith(lost, identity);
  const { bytes } = await backUp(lost);
  lost.clock.advance(MINUTE_MS);
  const since = await meanwhile(lost, identity);
  lost.clock.advance(MINUTE_MS);
  const machine = await otherMachine(lost);
  await restoreOn(machine, bytes, { revoke, ...(window === undefined ? {} : { identityLifetimeMs: window }) });
  if (spoil !== undefined) {
    const file = new SqliteDatabase(join(machine.config.storage_path, 'torchpass.db'));
    file.exec(spoil);
    file.close();
  }
  const lab = await startLab({ folder: machine.folder, clock: lost.clock });
  const told = async (event: string) => (await lab.services.audit.log({ event, limit: 100 })).entries;
  return { lost, lab, identity, since, told };
}

it('a host that renewed after the backup goes on, renews again, and nobody is quarantined', async () => {
  const { lab, since, told } = await restored(renew);
  await callWith(lab, since);
  const next = await renew(lab, since);
  await callWith(lab, next);
  expect(await told('identity.adopted')).toMatchObject([{ subject: 'web-1', by: { kind: 'host', from: '127.0.0.1' } }]);
  expect(await told('host.quarantined')).toEqual([]);
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active' });
});

it('from then on its older key is as dead as before the restore', async () => {
  const { lab, identity, since } = await restored(async (lost, first) => {
    const second = await renew(lost, first);
    await callWith(lost, second);
    return second;
  });
  await callWith(lab, since);
  await expect(callWith(lab, identity)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  await expect(renew(lab, identity)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('a host that renewed twice goes on; the identity in between does not come back', async () => {
  const { lab, since } = await restored(async (lost, first) => {
    const second = await renew(lost, first);
    lost.clock.advance(MINUTE_MS);
    return { second, third: await renew(lost, second) };
  });
  await callWith(lab, since.third);
  await expect(callWith(lab, since.second)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('a host that did not renew goes on as it is', async () => {
  const { lab, identity, told } = await restored(async () => undefined);
  await callWith(lab, identity);
  expect(await told('identity.adopted')).toEqual([]);
});

it('a host that joined after the backup is refused, on record, and joins again with a new token', async () => {
  const { lab, since, told } = await restored(async (lost) => enrollOver(lost, await newToken(lost), 'web-2'));
  await expect(callWith(lab, since)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  expect(await told('identity.unknown')).toMatchObject([
    { subject: 'web-2', by: { kind: 'stranger', from: '127.0.0.1' } },
  ]);
  await callWith(lab, await enrollOver(lab, await newToken(lab), 'web-2'));
  // The name is the new one's now; what is from before is still nobody's.
  await expect(callWith(lab, since)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('a host that is named as revoked at the restore does not come back with a later identity', async () => {
  const named = await restored(renew, { revoke: ['web-1'] });
  await expect(callWith(named.lab, named.since)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  await expect(callWith(named.lab, named.identity)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  expect(await named.told('identity.adopted')).toEqual([]);
});

it('what an old controller signs after the restore is refused: somebody let it run', async () => {
  const { lost, lab, identity } = await restored(async () => undefined);
  lost.clock.advance(30 * MINUTE_MS);
  const forked = await renew(lost, identity);
  await expect(callWith(lab, forked)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('the window closes when no identity from before can be alive', async () => {
  const { lab, since, told } = await restored(renew, { window: MINUTE_MS });
  lab.clock.advance(2 * MINUTE_MS);
  await expect(callWith(lab, since)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  expect(await told('identity.adopted')).toEqual([]);
});

it('where nothing was restored nothing is adopted: the identity of a database that was copied is unknown', async () => {
  const { lab, since, told } = await restored(renew, { spoil: 'delete from restores' });
  await expect(callWith(lab, since)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  expect(await told('identity.unknown')).toHaveLength(1);
});
