import { nodeFiles } from '@torchpass/core';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { backUp, BACKUP_PASSPHRASE, checked, cutBy, otherMachine, pieces, restoreOn } from '../testing/backup.ts';
import { enrolment, newKey, newToken, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';
import { decrypt } from './encrypt.ts';
import { makeBackup } from './make-backup.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

describe('a backup', () => {
  it('of a controller at work holds one moment: nothing in it is torn', { timeout: 120_000 }, async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const token = await newToken(lab, { uses: 10_000 });
    const stop = new AbortController();
    let joined = 0;
    const worker = async (worker: number) => {
      for (let n = 0; !stop.signal.aborted; n += 1) {
        await lab.enrol(enrolment(token, await newKey(), { hostName: `host-${worker}-${n}` }));
        joined += 1;
      }
    };
    const workers = Promise.all([0, 1, 2, 3].map(worker));
    const made: Awaited<ReturnType<typeof backUp>>[] = [];
    for (let n = 0; n < 4; n += 1) {
      const enough = joined + 5;
      await vi.waitFor(() => expect(joined).toBeGreaterThanOrEqual(enough), { timeout: 20_000, interval: 5 });
      made.push(await backUp(lab));
    }
    stop.abort();
    await workers;
    for (const { bytes } of made) {
      const machine = await otherMachine(lab);
      await restoreOn(machine, bytes);
      expect(await checked(machine)).toEqual([]);
      const restored = await openLab({ folder: machine.folder, clock: lab.clock, config: SERVERS_ALLOWED });
      const hosts = await restored.store.selectFrom('hosts').select('id').execute();
      const uses = await restored.store.selectFrom('token_uses').select('host_id').execute();
      const [row] = await restored.store.selectFrom('join_tokens').select('uses').execute();
      const entries = await restored.store
        .selectFrom('audit_log')
        .select('number')
        .where('event', '=', 'host.enrolled')
        .execute();
      expect([uses.length, row?.uses, entries.length]).toEqual([hosts.length, hosts.length, hosts.length]);
      await restored.close();
    }
  });

  it('has neither the passphrase nor anything readable in it, and leaves nothing beside it', async () => {
    const lab = await openLab();
    const { bytes } = await backUp(lab);
    const passphrase = (await readFile(lab.config.authorities.passphrase_file, 'utf8')).trim();
    const plain: Buffer[] = [];
    for await (const chunk of decrypt(pieces(bytes), BACKUP_PASSPHRASE)) plain.push(chunk);
    const inside = Buffer.concat(plain).toString('latin1');
    expect(inside).toContain('torchpass.db');
    expect(inside).not.toContain(passphrase);
    expect(bytes.includes('SQLite format')).toBe(false);
    expect(bytes.includes('torchpass.db')).toBe(false);
  });

  it('that cannot be written says so and leaves no half of one; the backup of yesterday stays', async () => {
    const lab = await openLab();
    const out = join(lab.folder, 'out.tpbackup');
    await writeFile(out, 'yesterday');
    const full = nodeFiles();
    const write = (data: AsyncIterable<Uint8Array>) => full.write(out, { data: cutBy('ENOSPC', data), mode: 0o600 });
    const options = { storage: lab.config.storage_path, passphrase: BACKUP_PASSPHRASE, workIn: lab.folder };
    await expect(makeBackup(options, lab, write)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(await readFile(out, 'utf8')).toBe('yesterday');
    expect((await readdir(lab.folder)).filter((name) => name.startsWith('.'))).toEqual([]);
    await makeBackup(options, lab, (data) => full.write(out, { data, mode: 0o600 }));
    expect((await stat(out)).mode & 0o777).toBe(0o600);
  });
});
