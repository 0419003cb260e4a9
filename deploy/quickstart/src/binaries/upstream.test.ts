import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RELEASES, type Release } from './releases.ts';
import { fakeProgram, sha256 } from './testing/fake-archive.ts';
import { emptyMachine, scratchFolder } from './testing/scratch.ts';
import { upstreamBinaries } from './upstream.ts';

/** Serves archives that look like upstream's; `tamper` changes what goes out. */
async function upstream(tamper: (archive: Buffer) => Buffer = (archive) => archive) {
  const folder = scratchFolder();
  const served = new Map<string, Buffer>();
  const releases = RELEASES.map(({ program, version }): Release => {
    const name = `${program}-${version}.linux-amd64`;
    fakeProgram(join(folder, name, program), program, version);
    fakeProgram(join(folder, name, 'promtool'), 'promtool', version);
    execFileSync('tar', ['-czf', join(folder, `${name}.tar.gz`), '-C', folder, name]);
    const archive = readFileSync(join(folder, `${name}.tar.gz`));
    served.set(`/${program}/releases/download/v${version}/${name}.tar.gz`, archive);
    return { program, version, sha256: { amd64: sha256(archive), arm64: sha256('') } };
  });
  const server = createServer((request, response) => {
    const archive = served.get(request.url ?? '');
    response.writeHead(archive === undefined ? 404 : 200).end(archive === undefined ? '' : tamper(archive));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const machine = { ...emptyMachine(folder), upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  return { machine, releases, options: { cache: join(folder, 'cache'), report: () => undefined } };
}

describe("upstream's release", () => {
  it('is unpacked when its sum is the pinned one', async () => {
    const { machine, releases, options } = await upstream();
    const bin = join(options.cache, 'upstream-3.5.0-1.9.1-amd64', 'bin');
    expect(await upstreamBinaries(options, machine, releases)).toEqual({
      prometheus: join(bin, 'prometheus'),
      nodeExporter: join(bin, 'node_exporter'),
      promtool: join(bin, 'promtool'),
      source: "upstream's release (3.5.0, 1.9.1)",
    });
    expect(readdirSync(bin).toSorted()).toEqual(['node_exporter', 'prometheus', 'promtool']);
  });

  it('is thrown away when one byte differs from what was pinned', async () => {
    const { machine, releases, options } = await upstream((archive) => Buffer.concat([archive, Buffer.from([0])]));
    await expect(upstreamBinaries(options, machine, releases)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('not the pinned'),
    });
    expect(readdirSync(options.cache)).toEqual([]);
  });

  it('that is not there, or not to be reached, is an error that names the place', async () => {
    const { machine, releases, options } = await upstream();
    const newer = releases.map((release) => ({ ...release, version: '99.0.0' }));
    await expect(upstreamBinaries(options, machine, newer)).rejects.toThrow('the server answered 404');
    const away = { ...machine, upstream: 'http://127.0.0.1:1' };
    await expect(upstreamBinaries(options, away, releases)).rejects.toThrow('http://127.0.0.1:1/prometheus/releases');
  });

  it('is pinned for both processors', () => {
    for (const { sha256 } of RELEASES) {
      expect(Object.keys(sha256)).toEqual(['amd64', 'arm64']);
      for (const sum of Object.values(sha256)) expect(sum).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});
