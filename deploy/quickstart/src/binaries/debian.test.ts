import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { debianBinaries, findBinaries } from './find.ts';
import { fakeArchive } from './testing/fake-archive.ts';
import { emptyMachine, scratchFolder } from './testing/scratch.ts';
import { unpackedPackages } from './unpacked.ts';

/** A machine whose apt knows one archive, on its own disk. */
function machineWithArchive(trust = '[trusted=yes]') {
  const folder = scratchFolder();
  const archive = join(folder, 'archive');
  fakeArchive(archive, 'trixie');
  const machine = emptyMachine(folder);
  mkdirSync(machine.aptFolder);
  writeFileSync(join(machine.aptFolder, 'sources.list'), `deb ${trust} file:${archive} bookworm main\n`);
  writeFileSync(machine.osRelease, 'NAME="Debian"\nVERSION_CODENAME=trixie\n');
  const said: string[] = [];
  const options = { cache: join(folder, 'cache'), report: (sentence: string) => void said.push(sentence) };
  return { machine, archive, options, said };
}

describe('packages of a suite', () => {
  it("come from the machine's own mirror, whole, with what is being done told", async () => {
    const { machine, options, said } = machineWithArchive();
    const found = await debianBinaries('trixie', options, machine);
    const bin = join(options.cache, 'packages-trixie-amd64', 'bin');
    expect(found).toEqual({
      prometheus: join(bin, 'prometheus'),
      nodeExporter: join(bin, 'prometheus-node-exporter'),
      promtool: join(bin, 'promtool'),
      source: 'Debian trixie (1.2.3-1)',
    });
    expect(said).toEqual([
      'Reading the package list of trixie …',
      'Downloading prometheus, prometheus-node-exporter, promtool of trixie into the cache (nothing is installed) …',
    ]);
    expect(readdirSync(options.cache)).toEqual(['packages-trixie-amd64']);
  });

  it('need neither network nor apt once they are in the cache, also for the search', async () => {
    const { machine, archive, options, said } = machineWithArchive();
    const first = await debianBinaries('trixie', options, machine);
    rmSync(archive, { recursive: true });
    rmSync(machine.aptFolder, { recursive: true });
    said.length = 0;
    expect(await debianBinaries('trixie', options, machine)).toEqual(first);
    expect(await findBinaries(options, machine)).toEqual(first);
    expect(said).toEqual([]);
  });

  it('may be fetched by two at once', async () => {
    const { machine, options } = machineWithArchive();
    const [one, two] = await Promise.all([1, 2].map(() => debianBinaries('trixie', options, machine)));
    expect(one).toEqual(two);
    expect(readdirSync(options.cache)).toEqual(['packages-trixie-amd64']);
  });

  it('are fetched again when the cache is damaged', async () => {
    const { machine, options } = machineWithArchive();
    const { prometheus } = await debianBinaries('trixie', options, machine);
    writeFileSync(prometheus, ''); // as after a power cut
    expect((await debianBinaries('trixie', options, machine)).source).toBe('Debian trixie (1.2.3-1)');
  });

  it('are refused from an archive that nobody vouches for', async () => {
    const { machine, options } = machineWithArchive('');
    await expect(debianBinaries('trixie', options, machine)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('not signed'),
    });
    expect(readdirSync(options.cache)).toEqual([]);
  });

  it('are refused when they are not what the list says', async () => {
    const { machine, archive, options } = machineWithArchive();
    const deb = (name: string) => join(archive, `${name}_1.2.3-1_amd64.deb`);
    renameSync(deb('promtool'), deb('prometheus'));
    await expect(debianBinaries('trixie', options, machine)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(readdirSync(options.cache)).toEqual([]);
  });

  it('that the mirror does not have are named', async () => {
    const { machine, options } = machineWithArchive();
    await expect(debianBinaries('sid', options, machine)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('sid'),
    });
  });

  it('stop with the reason of the signal, leaving nothing', async () => {
    const { machine, options } = machineWithArchive();
    const stop = new AbortController();
    const report = (sentence: string) => sentence.startsWith('Reading') && stop.abort(new Error('Ctrl-C'));
    await expect(debianBinaries('trixie', { ...options, report, signal: stop.signal }, machine)).rejects.toThrow(
      'Ctrl-C',
    );
    expect(readdirSync(options.cache)).toEqual([]);
    expect(readdirSync(dirname(options.cache))).toContain('archive');
  });
});

describe('other packages of a suite', () => {
  it('are unpacked whole, and found again without a network', async () => {
    const { machine, archive, options } = machineWithArchive();
    const first = await unpackedPackages('trixie', ['promtool', 'prometheus'], options, machine);
    expect(first).toEqual({ root: join(options.cache, 'promtool-trixie-amd64', 'root'), version: '1.2.3-1' });
    expect(readdirSync(join(first.root, 'usr/bin')).toSorted()).toEqual(['prometheus', 'promtool']);
    rmSync(archive, { recursive: true });
    expect(await unpackedPackages('trixie', ['promtool', 'prometheus'], options, machine)).toEqual(first);
  });

  it('that the archive does not have are an error with the reason, and leave nothing', async () => {
    const { machine, options } = machineWithArchive();
    await expect(unpackedPackages('trixie', ['absent'], options, machine)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('absent'),
    });
    expect(readdirSync(options.cache)).toEqual([]);
  });
});
