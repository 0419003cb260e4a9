import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crashBefore, SimulatedCrash } from '../testing/index.ts';
import { scratch } from '../testing/scratch.ts';
import type { Files } from './files.ts';
import { nodeFiles } from './node-files.ts';

const NOBODY = 65_534;

/** Runs `code`, which sees `files` and `path`, in another process: with a umask, and as nobody when we are root. */
function elsewhere(code: string, path: string, { umask = 0o022, asNobody = false } = {}): unknown {
  const program = `
    const { nodeFiles } = await import(${JSON.stringify(new URL('node-files.ts', import.meta.url).href)});
    process.umask(${umask});
    const [files, path] = [nodeFiles(), ${JSON.stringify(path)}];
    const answer = await (async () => { ${code} })().then(() => 'done', ({ code, message, hint }) => ({ code, message, hint }));
    process.stdout.write(JSON.stringify(answer));`;
  const user = asNobody && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    ...user,
    encoding: 'utf8',
    cwd: '/',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const REASONS = [
  { code: 'ENOSPC', hint: /Make room/ },
  { code: 'EDQUOT', hint: /Make room/ },
  { code: 'EROFS', hint: /read-only/ },
  { code: 'EACCES', hint: /user who may write/ },
  { code: 'EPERM', hint: /user who may write/ },
  { code: 'EIO', hint: /file system/ },
];

const CHANGES: Record<string, (files: Files, path: string) => Promise<void>> = {
  write: (files, path) => files.write(path, { data: 'new', mode: 0o600 }),
  writeFolder: (files, path) => files.writeFolder(path, { key: { data: 'new', mode: 0o600 } }, { mode: 0o700 }),
  makeFolder: (files, path) => files.makeFolder(path, { mode: 0o700 }),
};

describe.each(REASONS)('when the system says $code', ({ code, hint }) => {
  const refuse = () => {
    throw Object.assign(new Error(`${code}: the system's words, rename`), { code });
  };

  it.each(Object.entries(CHANGES))(
    '%s names the path, the reason and what to do, and leaves no staging name',
    async (_, change) => {
      const folder = await scratch();
      const path = join(folder, 'thing');
      const files = nodeFiles((step) => (step === 'rename' ? refuse() : undefined));
      await expect(change(files, path)).rejects.toMatchObject({
        code: 'FILE_UNWRITABLE',
        message: `Cannot write ${path}: ${code}: the system's words, rename.`,
        hint: expect.stringMatching(hint),
        cause: { code },
      });
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

it('a failed write keeps the old content', async () => {
  const folder = await scratch();
  await mkdir(join(folder, 'occupied', 'below'), { recursive: true });
  const occupied = join(folder, 'occupied');
  await expect(nodeFiles().write(occupied, { data: 'x', mode: 0o600 })).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
    message: expect.stringContaining(occupied),
  });
  await expect(nodeFiles().writeFolder(occupied, {}, { mode: 0o700 })).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
  });
  expect(await readdir(folder)).toEqual(['occupied']);
  expect(await readdir(occupied)).toEqual(['below']);
});

it('a crash is not mistaken for a refusal', async () => {
  const path = join(await scratch(), 'file');
  const dying = nodeFiles(crashBefore(2).step);
  await expect(dying.write(path, { data: 'x', mode: 0o600 })).rejects.toBeInstanceOf(SimulatedCrash);
});

describe('as a user without rights', () => {
  it('says who may write and who may read', async () => {
    const folder = await scratch();
    await writeFile(join(folder, 'secret'), 's', { mode: 0o000 });
    await chmod(folder, 0o555);
    const advice = (verb: string) => ({ hint: `Run as a user who may ${verb}.` });
    const path = join(folder, 'secret');
    const asNobody = true;
    expect(elsewhere('await files.write(path, { data: "x", mode: 0o600 })', path, { asNobody })).toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining(`Cannot write ${path}: EACCES`),
      ...advice('write there'),
    });
    expect(elsewhere('await files.makeFolder(path + "/../x/y", { mode: 0o700 })', path, { asNobody })).toMatchObject({
      code: 'FILE_UNWRITABLE',
    });
    expect(elsewhere('await files.read(path)', path, { asNobody })).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`Cannot read ${path}: EACCES`),
      ...advice('read it'),
    });
    expect(await readdir(folder)).toEqual(['secret']);
    await chmod(folder, 0o755);
  });
});

it.each([0o000, 0o022, 0o077, 0o277])('permissions are exact under the umask %o', async (umask) => {
  const folder = await scratch();
  await chmod(folder, 0o777);
  const code = `
    await files.makeFolder(path + '/made/below', { mode: 0o751 });
    await files.write(path + '/made/file', { data: 'x', mode: 0o646 });
    await files.writeFolder(path + '/written', { file: { data: 'x', mode: 0o664 } }, { mode: 0o775 });`;
  expect(elsewhere(code, folder, { umask, asNobody: true })).toBe('done');
  const modes = await Promise.all(
    ['made', 'made/below', 'made/file', 'written', 'written/file'].map(async (name) => {
      const { mode } = await stat(join(folder, name));
      return (mode & 0o7777).toString(8);
    }),
  );
  expect(modes).toEqual(['751', '751', '646', '775', '664']);
});
