import { nodeFiles, Secret } from '@torchpass/core';
import { crashBefore } from '@torchpass/core/testing';
import * as fc from 'fast-check';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { initialize } from '../commands/init.ts';
import { backUp, BACKUP_PASSPHRASE, checked, cutBy, otherMachine, pieces, restoreOn } from '../testing/backup.ts';
import { enrolment, joinHost, newKey, newToken, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { published } from '../testing/published.ts';
import { labPassphrase, type LabSurroundings } from '../testing/surroundings.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const leftIn = async (machine: LabSurroundings) =>
  (await readdir(machine.config.storage_path).catch(() => [])).filter(
    (name) => !/^(?:passphrase|controller\.lock)$/.test(name),
  );

describe('a restore', () => {
  it('puts the installation onto another machine, where it goes on', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const host = await joinHost(lab, {});
    await host.serve();
    const roots = lab.authorities.roots;
    const { bytes, manifest } = await backUp(lab);
    const targets = await published(lab);
    await lab.close();
    const machine = await otherMachine(lab);
    const done = await restoreOn(machine, bytes);
    expect(done).toMatchObject({ epoch: 1, auditFault: undefined });
    expect(await checked(machine)).toEqual([]);
    expect((await stat(join(machine.config.storage_path, 'torchpass.db'))).mode & 0o777).toBe(0o600);
    const restored = await openLab({ folder: machine.folder, clock: lab.clock, config: SERVERS_ALLOWED });
    expect(restored.authorities.roots).toEqual(roots);
    await restored.publisher.publish();
    expect(await published(restored)).toEqual(targets);
    expect(targets).not.toEqual([]);
    await joinHost(restored, { name: 'web-2', address: '203.0.113.99' });
    const { entries } = await restored.services.audit.log({ event: 'installation.restored', limit: 10 });
    expect(entries).toMatchObject([
      {
        by: { kind: 'operator', name: 'olga', from: 'machine' },
        details: { epoch: 1, audit_head: manifest.audit_head },
      },
    ]);
    await expect(restored.services.audit.verify({})).resolves.toMatchObject({ fault: null });
    await expect(restored.services.audit.verify({ head: manifest.audit_head })).resolves.toMatchObject({ fault: null });
  });

  it('leaves every token dead: used, used since, unused, made since', async () => {
    const lab = await openLab();
    const tokens = {
      used: await newToken(lab, { note: 'used' }),
      'used since': await newToken(lab, { note: 'used since' }),
      unused: await newToken(lab, { note: 'unused' }),
    };
    await lab.enrol(enrolment(tokens.used, await newKey(), { hostName: 'first' }));
    const { bytes } = await backUp(lab);
    await lab.enrol(enrolment(tokens['used since'], await newKey(), { hostName: 'second' }));
    const after = await newToken(lab, { note: 'made since' });
    await lab.close();
    const machine = await otherMachine(lab);
    const { endedTokens } = await restoreOn(machine, bytes);
    expect(endedTokens.map(({ note }) => note).toSorted()).toEqual(['unused', 'used since']);
    const restored = await openLab({ folder: machine.folder, clock: lab.clock });
    for (const token of [...Object.values(tokens), after]) {
      const again = restored.enrol(enrolment(token, await newKey(), { hostName: 'thief' }));
      await expect(again).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
    }
    await restored.enrol(enrolment(await newToken(restored), await newKey(), { hostName: 'third' }));
  });

  it('revokes before anything is served whom the operator names, and says who is not in the backup', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    await (await joinHost(lab, {})).serve();
    const { bytes } = await backUp(lab);
    await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
    const machine = await otherMachine(lab);
    const done = await restoreOn(machine, bytes, { revoke: ['web-1', 'web-9', 'web-1'] });
    expect(done).toMatchObject({ revoked: ['web-1'], unknown: ['web-9'] });
    const restored = await openLab({ folder: machine.folder, clock: lab.clock, config: SERVERS_ALLOWED });
    expect(await restored.services.hosts.show('web-1')).toMatchObject({ state: 'revoked' });
    await restored.publisher.publish();
    expect(await published(restored)).toEqual([]);
  });

  it('keeps the targets of a Prometheus that is still there, and does not empty its files', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const { bytes } = await backUp(lab);
    await (await joinHost(lab, {})).serve();
    const targets = await published(lab);
    await lab.close();
    for (const name of ['torchpass.db', 'torchpass.db-wal', 'torchpass.db-shm', 'controller-key.sealed'])
      await rm(join(lab.config.storage_path, name), { force: true });
    await restoreOn(lab, bytes);
    const restored = await openLab({ folder: lab.folder, clock: lab.clock, config: SERVERS_ALLOWED });
    await expect(restored.publisher.publish()).rejects.toMatchObject({ code: 'PUBLISH_WOULD_EMPTY' });
    expect(await published(restored)).toEqual(targets);
  });

  it('never overwrites an installation, nor puts a database beside the journal of another', async () => {
    const lab = await openLab();
    const { bytes } = await backUp(lab);
    await expect(restoreOn(lab, bytes)).rejects.toMatchObject({ code: 'ALREADY_INITIALIZED' });
    await expect(lab.services.hosts.list()).resolves.toEqual([]);
    const machine = await otherMachine(lab);
    await writeFile(join(machine.config.storage_path, 'torchpass.db-wal'), 'of another');
    await expect(restoreOn(machine, bytes)).rejects.toMatchObject({ code: 'ALREADY_INITIALIZED' });
  });

  it.each([
    [
      'a wrong passphrase of the backup',
      { passphrases: { backup: new Secret('wrong'), installation: new Secret('wrong') } },
      'PASSPHRASE_WRONG',
    ],
    [
      'a wrong passphrase of the installation',
      { passphrases: { backup: BACKUP_PASSPHRASE, installation: new Secret('wrong') } },
      'PASSPHRASE_WRONG',
    ],
    ['another trust domain', { trustDomain: 'other.example' }, 'CONFIG_INVALID'],
  ])('with %s is refused and leaves nothing', async (_what, change, code) => {
    const lab = await openLab();
    const { bytes } = await backUp(lab);
    const machine = await otherMachine(lab);
    await expect(restoreOn(machine, bytes, change)).rejects.toMatchObject({ code });
    expect(await leftIn(machine)).toEqual([]);
    await restoreOn(machine, bytes);
    expect(await leftIn(machine)).toContain('torchpass.db');
  });

  it('of a damaged file is refused at whatever place, and leaves nothing', { timeout: 120_000 }, async () => {
    const lab = await openLab();
    const { bytes } = await backUp(lab);
    const machine = await otherMachine(lab);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.boolean(), async (at, cut) => {
        const bad = Buffer.from(cut ? bytes.subarray(0, at) : bytes);
        if (!cut) bad[at] = (bad[at] ?? 0) ^ 1;
        const outcome = await restoreOn(machine, bad).catch((error: unknown) => error);
        expect(outcome).toMatchObject({ code: expect.stringMatching(/^(?:BACKUP_BROKEN|PASSPHRASE_WRONG)$/) });
        expect(await leftIn(machine)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('onto a full disk says so and leaves nothing', async () => {
    const lab = await openLab();
    const { bytes } = await backUp(lab);
    const real = nodeFiles();
    const machine = await otherMachine(lab, {
      files: {
        ...real,
        write: (path, file, stageIn) =>
          real.write(path, { ...file, data: cutBy('ENOSPC', pieces(Buffer.from('half'))) }, stageIn),
      },
    });
    await expect(restoreOn(machine, bytes)).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      cause: expect.any(Error),
    });
    expect(await leftIn(machine)).toEqual([]);
  });

  it(
    'that dies at any step leaves no installation or the whole, and is finished by the next',
    { timeout: 240_000 },
    async () => {
      const lab = await openLab();
      await joinHost(lab, {});
      await writeFile(join(lab.config.storage_path, 'controller-key.sealed'), await sealedKey(lab));
      const { bytes } = await backUp(lab);
      const deaths: string[] = [];
      for (let n = 1; ; n += 1) {
        const death = crashBefore(n);
        const machine = await otherMachine(lab, { files: nodeFiles((what, path) => death.step(`${what} ${path}`)) });
        const done = await restoreOn(machine, bytes).catch(() => undefined);
        if (done !== undefined) break;
        deaths.push(death.at ?? '');
        const alive = { ...machine, files: nodeFiles() };
        const left = await leftIn(alive);
        const isThere = left.includes('torchpass.db');
        const init = () =>
          initialize(alive, labPassphrase(alive)).then(
            () => 'made',
            ({ code }: { code: string }) => code,
          );
        const refusal = !isThere && left.includes('.restore') ? await init() : 'RESTORE_UNFINISHED';
        if (!isThere) await restoreOn(alive, bytes);
        expect([death.at, refusal, await checked(alive)]).toEqual([death.at, 'RESTORE_UNFINISHED', []]);
        const { hosts } = await hostsOf(alive);
        expect([death.at, hosts]).toEqual([death.at, ['web-1']]);
      }
      expect(deaths.some((at) => at.startsWith('rename') && at.endsWith('controller-key.sealed'))).toBe(true);
      expect(deaths.some((at) => at.startsWith('rename') && at.endsWith('storage/torchpass.db'))).toBe(true);
      expect(deaths.length).toBeGreaterThan(10);
    },
  );

  it('goes on although somebody had edited the audit log before the backup, and says so', async () => {
    const lab = await openLab();
    const { sql } = await import('kysely');
    await newToken(lab);
    await sql`drop trigger audit_log_no_update`.execute(lab.store);
    await lab.store.updateTable('audit_log').set({ subject: 'x' }).where('number', '=', 2).execute();
    const { bytes } = await backUp(lab);
    const machine = await otherMachine(lab);
    expect((await restoreOn(machine, bytes)).auditFault).toMatch(/Entry 2/);
    expect(await checked(machine)).toMatchObject([{ severity: 'error', subject: 'audit log' }]);
  });
});

async function sealedKey({ authorities }: Awaited<ReturnType<typeof openLab>>): Promise<string> {
  const { generatePrivateKey } = await import('@torchpass/pki');
  return authorities.sealing.seal(await generatePrivateKey(), 'controller key');
}

async function hostsOf(machine: LabSurroundings) {
  const restored = await openLab({ folder: machine.folder, clock: machine.clock });
  const hosts = (await restored.services.hosts.list()).map(({ name }) => name);
  await restored.close();
  return { hosts };
}
