import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crashBefore, SimulatedCrash } from '../testing/index.ts';
import { scratch } from '../testing/scratch.ts';
import type { Files } from './files.ts';
import { nodeFiles } from './node-files.ts';

/** Runs `round` again and again, killed one step later each time, until it lives. Answers where it was killed. */
async function killedAtEveryStep(round: (dying: Files, crashed: () => boolean) => Promise<void>): Promise<string[]> {
  const places: string[] = [];
  for (let n = 1; ; n += 1) {
    const point = crashBefore(n);
    await round(nodeFiles(point.step), () => point.crashed);
    if (point.at === undefined) return places;
    places.push(point.at);
  }
}

async function untilCrash(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof SimulatedCrash)) throw error;
  });
}

it('write: whoever reads after a crash finds the old content or the new, and the next run leaves nothing behind', async () => {
  const seen = new Set<string>();
  const places = await killedAtEveryStep(async (dying) => {
    const folder = await scratch();
    const path = join(folder, 'ca.pem');
    await writeFile(path, 'old');
    await untilCrash(dying.write(path, { data: 'new', mode: 0o640 }));

    const files = nodeFiles();
    seen.add(String(await files.read(path)));
    expect(await files.list(folder)).toEqual(['ca.pem']);

    await files.write(path, { data: 'next', mode: 0o640 });
    expect(String(await files.read(path))).toBe('next');
    expect(await readdir(folder)).toEqual(['ca.pem']);
  });
  expect(places).toEqual(['stage', 'rename', 'sync-folder']);
  expect([...seen].toSorted()).toEqual(['new', 'old']);
});

it('write staged elsewhere: the watched folder never shows another name', async () => {
  const places = await killedAtEveryStep(async (dying) => {
    const folder = await scratch();
    const [watched, staging] = [join(folder, 'targets'), join(folder, 'staging')];
    await Promise.all([mkdir(watched), mkdir(staging)]);
    const path = join(watched, 'node.json');
    await writeFile(path, '[]');
    await untilCrash(dying.write(path, { data: '["new"]', mode: 0o640 }, staging));

    expect(await readdir(watched)).toEqual(['node.json']);
    expect(['[]', '["new"]']).toContain(String(await nodeFiles().read(path)));

    await nodeFiles().write(path, { data: '["next"]', mode: 0o640 }, staging);
    expect(await readdir(watched)).toEqual(['node.json']);
    expect(await readdir(staging)).toEqual([]);
  });
  expect(places).toEqual(['stage', 'rename', 'sync-folder']);
});

it('writeFolder: after a crash the folder is not there or is whole, and the next run leaves nothing behind', async () => {
  const content = { 'certificate.pem': { data: 'C', mode: 0o640 }, 'key.pem': { data: 'K', mode: 0o600 } };
  const places = await killedAtEveryStep(async (dying, crashed) => {
    const folder = await scratch();
    const path = join(folder, 'generation');
    await untilCrash(dying.writeFolder(path, content, { mode: 0o750 }));

    const files = nodeFiles();
    const whole = { visible: ['generation'], texts: ['C', 'K'], mode: 0o750 };
    const absent = { visible: [], texts: ['undefined', 'undefined'], mode: undefined };
    const texts = ['certificate.pem', 'key.pem'].map(async (name) => String(await files.read(join(path, name))));
    const mode = (await stat(path).catch(() => undefined))?.mode;
    expect(crashed() ? [whole, absent] : [whole]).toContainEqual({
      visible: await files.list(folder),
      texts: await Promise.all(texts),
      mode: mode === undefined ? undefined : mode & 0o7777,
    });

    await files.remove(path);
    await files.writeFolder(path, content, { mode: 0o750 });
    expect(await readdir(folder)).toEqual(['generation']);
    expect(await readdir(path)).toEqual(['certificate.pem', 'key.pem']);
  });
  expect(places).toEqual(['remove', 'make-folder', 'stage', 'stage', 'sync-folder', 'rename', 'sync-folder']);
});

it('makeFolder: a folder is never there without its permissions', async () => {
  const places = await killedAtEveryStep(async (dying) => {
    const root = await scratch();
    const path = join(root, 'a', 'b');
    await untilCrash(dying.makeFolder(path, { mode: 0o711 }));

    const files = nodeFiles();
    for (const folder of [join(root, 'a'), path]) {
      const mode = await stat(folder).then(
        (found) => found.mode & 0o7777,
        () => 'absent',
      );
      expect([0o711, 'absent']).toContain(mode);
    }

    await files.makeFolder(path, { mode: 0o711 });
    expect(await readdir(root)).toEqual(['a']);
    expect(await readdir(join(root, 'a'))).toEqual(['b']);
    expect(await readdir(path)).toEqual([]);
  });
  expect(places).toEqual(['make-folder', 'rename', 'sync-folder', 'make-folder', 'rename', 'sync-folder']);
});
