import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch } from '../testing/scratch.ts';
import { nodeFiles } from './node-files.ts';

const files = nodeFiles();
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

describe('reading', () => {
  it('says undefined for a file that is not there, and no names for such a folder', async () => {
    const folder = await scratch();
    expect(await files.read(join(folder, 'none'))).toBeUndefined();
    expect(await files.list(join(folder, 'none'))).toEqual([]);
  });

  it('lists in order and hides staging names, only those', async () => {
    const folder = await scratch();
    for (const name of ['b', 'a.torchpass-new', '.c.torchpass-new', '.a']) await writeFile(join(folder, name), '');
    expect(await files.list(folder)).toEqual(['.a', 'a.torchpass-new', 'b']);
  });

  it('names the path when it cannot read', async () => {
    const folder = await scratch();
    await expect(files.read(folder)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`Cannot read ${folder}: EISDIR`),
    });
    await writeFile(join(folder, 'file'), '');
    await expect(files.list(join(folder, 'file'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(files.read(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

it('a reader never finds a mixture while the file is replaced', async () => {
  const path = join(await scratch(), 'file');
  const whole = (n: number) => String(n % 10).repeat(200_000);
  await files.write(path, { data: whole(0), mode: 0o600 });
  const writing = new AbortController();
  const reader = (async () => {
    const seen = new Set<string>();
    while (!writing.signal.aborted) {
      const text = String(await files.read(path));
      seen.add(`${text.length} of ${[...new Set(text)].join()}`);
    }
    return [...seen];
  })();
  for (let n = 1; n <= 40; n += 1) await files.write(path, { data: whole(n), mode: 0o600 });
  writing.abort();
  const seen = await reader;
  expect(seen.length).toBeGreaterThan(1);
  for (const text of seen) expect(text).toMatch(/^200000 of \d$/);
});

describe('permissions', () => {
  it('gives the owner and mode asked for, also to a file that had others', async () => {
    // Only root may give files away.
    const own = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
    const owner = own.uid === 0 ? { uid: 12_345, gid: 23_456 } : own;
    const path = join(await scratch(), 'file');
    await writeFile(path, 'old', { mode: 0o666 });
    await files.write(path, { data: 'new', mode: 0o640, owner });
    const found = await stat(path);
    expect(found.mode & 0o7777).toBe(0o640);
    expect({ uid: found.uid, gid: found.gid }).toEqual(owner);
  });

  it('gives a written folder and its files their own', async () => {
    const path = join(await scratch(), 'folder');
    await files.writeFolder(path, { key: { data: 'k', mode: 0o600 } }, { mode: 0o711 });
    expect([await modeOf(path), await modeOf(join(path, 'key'))]).toEqual([0o711, 0o600]);
  });

  it('leaves a folder alone that is there', async () => {
    const folder = await scratch();
    const there = join(folder, 'there');
    await mkdir(there, { mode: 0o755 });
    await files.makeFolder(join(there, 'new'), { mode: 0o700 });
    await files.makeFolder(there, { mode: 0o700 });
    expect([await modeOf(there), await modeOf(join(there, 'new'))]).toEqual([0o755, 0o700]);
  });

  it('makes one folder although many ask at once', async () => {
    const folder = await scratch();
    const path = join(folder, 'a', 'b');
    await Promise.all(Array.from({ length: 4 }, () => nodeFiles().makeFolder(path, { mode: 0o750 })));
    expect(await modeOf(path)).toBe(0o750);
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readdir(join(folder, 'a'))).toEqual(['b']);
  });
});

describe('a folder in which somebody else put links', () => {
  async function trap() {
    const folder = await scratch();
    const victim = join(folder, 'victim');
    const victimFolder = join(folder, 'victim-folder');
    await writeFile(victim, 'precious', { mode: 0o600 });
    await mkdir(victimFolder, { mode: 0o700 });
    await writeFile(join(victimFolder, 'inside'), 'precious');
    const look = async () => ({
      content: await readFile(victim, 'utf8'),
      modes: [await modeOf(victim), await modeOf(victimFolder)],
      inside: await readdir(victimFolder),
    });
    return { folder, victim, victimFolder, look, before: await look() };
  }

  it('write replaces a link, and does not write through one under its staging name', async () => {
    const { folder, victim, look, before } = await trap();
    await symlink(victim, join(folder, 'file'));
    await symlink(victim, join(folder, '.file.torchpass-new'));
    await files.write(join(folder, 'file'), { data: 'new', mode: 0o666 });
    expect((await lstat(join(folder, 'file'))).isFile()).toBe(true);
    expect(await look()).toEqual(before);
  });

  it('writeFolder and makeFolder do not go through one under their staging name', async () => {
    const { folder, victimFolder, look, before } = await trap();
    const staging = ['.written.torchpass-new', '.made.1-1.torchpass-new'];
    for (const name of staging) await symlink(victimFolder, join(folder, name));
    await files.writeFolder(join(folder, 'written'), { inside: { data: 'x', mode: 0o666 } }, { mode: 0o777 });
    await files.makeFolder(join(folder, 'made'), { mode: 0o777 });
    expect(await readdir(join(folder, 'written'))).toEqual(['inside']);
    expect(await readdir(join(folder, 'made'))).toEqual([]);
    expect(await look()).toEqual(before);
  });

  it('remove takes the link and leaves what it points to', async () => {
    const { folder, victimFolder, look, before } = await trap();
    await symlink(victimFolder, join(folder, 'link'));
    await files.remove(join(folder, 'link'));
    await files.remove(join(folder, 'link'));
    expect(await look()).toEqual(before);
  });
});
