import { chmod, chown, mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TorchpassError } from '@torchpass/core';
import { describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { refuseLoose } from '../config/permissions.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { findLoose } from './loose-paths.ts';
import { realSurroundings } from './surroundings.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const paths = {
  storage: (lab: Lab) => lab.config.storage_path,
  database: (lab: Lab) => join(lab.config.storage_path, 'torchpass.db'),
  log: (lab: Lab) => join(lab.config.storage_path, 'torchpass.db-wal'),
  prometheus: (lab: Lab) => lab.paths.folder,
  scraperKey: (lab: Lab) => lab.paths.scraperKey,
  targets: (lab: Lab) => lab.paths.targets,
};

describe('what others can get at', () => {
  it('is nothing of what init makes', async () => {
    expect(await findLoose((await openLab()).config)).toEqual([]);
  });

  it.each<[keyof typeof paths, number, string | undefined]>([
    ['storage', 0o755, '711'],
    ['storage', 0o733, '711'],
    ['storage', 0o750, '711'],
    ['storage', 0o711, undefined],
    ['storage', 0o700, undefined],
    ['database', 0o640, '600'],
    ['database', 0o602, '600'],
    ['log', 0o604, '600'],
    ['prometheus', 0o755, '750'],
    ['prometheus', 0o770, '750'],
    ['prometheus', 0o700, undefined],
    ['scraperKey', 0o644, '640'],
    ['scraperKey', 0o660, '640'],
    ['scraperKey', 0o600, undefined],
    ['targets', 0o757, '750'],
  ])('%s with mode %o: remedy %s', async (name, mode, remedy) => {
    const lab = await openLab();
    const path = paths[name](lab);
    await chmod(path, mode);
    const found = await findLoose(lab.config);
    // The storage folder is the socket's folder too, and may be found twice.
    expect([...new Set(found.map((loose) => loose.path))]).toEqual(remedy === undefined ? [] : [path]);
    if (remedy === undefined) return;
    expect(found[0]?.problem).toContain(`(mode 0${mode.toString(8)})`);
    expect(found[0]?.remedy).toBe(`chmod ${remedy} ${path}`);
    expect(() => refuseLoose(found)).toThrow(path);
    await chmod(path, Number.parseInt(remedy, 8));
    expect(await findLoose(lab.config)).toEqual([]);
  });

  it.runIf(process.geteuid?.() === 0)('is what belongs to another user', async () => {
    const lab = await openLab();
    await chown(paths.database(lab), 12_345, 0);
    const [found] = await findLoose(lab.config);
    expect(found?.problem).toContain('belongs to another user (12345)');
    expect(found?.remedy).toBe(`chown 0 ${paths.database(lab)}`);
  });

  it('is a storage behind a link, and a folder in which others can turn the link', async () => {
    const lab = await openLab();
    const link = lab.config.storage_path;
    const [real, aside] = [join(lab.folder, 'real'), join(lab.folder, 'aside')];
    await rename(link, real);
    await symlink(real, link);
    expect(await findLoose(lab.config)).toEqual([]);
    await chmod(real, 0o755);
    expect((await findLoose(lab.config))[0]).toMatchObject({ path: real, remedy: `chmod 711 ${real}` });
    await chmod(real, 0o711);
    await mkdir(aside);
    await symlink(real, join(aside, 'link'));
    await chmod(aside, 0o777);
    const [found] = await findLoose({ ...lab.config, storage_path: join(aside, 'link') });
    expect(found).toMatchObject({ path: aside, remedy: `chmod go-w ${aside}` });
  });

  it('is a folder of the socket that others can write to', async () => {
    const folder = join((await openLab()).folder, 'run');
    await mkdir(folder);
    const lab = await openLab({ config: { admin: { socket: join(folder, 'c.sock'), listen_address: '127.0.0.1:0' } } });
    await chmod(folder, 0o755);
    expect(await findLoose(lab.config)).toEqual([]);
    await chmod(folder, 0o777);
    expect(await findLoose(lab.config)).toMatchObject([{ path: folder, remedy: `chmod go-w ${folder}` }]);
  });
});

it.each([
  [0o644, 'read'],
  [0o600, 'read'],
  [0o646, 'PERMISSIONS_LOOSE'],
  [0o666, 'PERMISSIONS_LOOSE'],
])('a configuration file of mode %o: %s', async (mode, outcome) => {
  const { folder } = await openLab();
  const path = join(folder, 'mine.yml');
  await writeFile(path, 'log: {level: warn}');
  await chmod(path, mode);
  const reading = loadConfig(path, {}, 'host.example').then(
    () => 'read',
    (error: TorchpassError) => error.code,
  );
  expect(await reading).toBe(outcome);
  expect((await stat(path)).mode & 0o777).toBe(mode);
});

describe('whoever could put another file in its place', () => {
  const outcomeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'taken',
      (error: TorchpassError) => [error.code, error.message.split(' ')[0]],
    );

  it.each([
    [0o755, true],
    [0o1777, true],
    [0o757, false],
    [0o777, false],
  ])('in a folder of mode %o a configuration is taken: %s', async (mode, taken) => {
    const folder = join((await openLab()).folder, 'etc');
    await mkdir(folder);
    const path = join(folder, 'mine.yml');
    await writeFile(path, 'log: {level: warn}', { mode: 0o644 });
    await symlink(path, join(folder, '..', 'link.yml'));
    await chmod(folder, mode);
    const expected = taken ? 'taken' : ['PERMISSIONS_LOOSE', folder];
    expect(await outcomeOf(loadConfig(path, {}, 'host.example'))).toEqual(expected);
    expect(await outcomeOf(loadConfig(join(folder, '..', 'link.yml'), {}, 'host.example'))).toEqual(expected);
  });

  it.each([
    [0o755, 0o755, undefined],
    [0o755, 0o757, 'module.so'],
    [0o777, 0o755, ''],
  ])('in a folder of mode %o a module of mode %o is not loaded: %s', async (folderMode, mode, loose) => {
    const lab = await openLab();
    const folder = join(lab.folder, 'lib');
    await mkdir(folder);
    const module = join(folder, 'module.so');
    await writeFile(module, '');
    await chmod(module, mode);
    await chmod(folder, folderMode);
    const path = join(lab.folder, 'token.yml');
    const authorities = { pkcs11: { module, token: 'lab' } };
    await writeFile(path, JSON.stringify({ authorities, advertise_address: 'host.example:7443' }));
    const outcome = await outcomeOf(realSurroundings({ 'config.file': path }));
    expect(outcome).toEqual(loose === undefined ? 'taken' : ['PERMISSIONS_LOOSE', join(folder, loose)]);
  });
});
