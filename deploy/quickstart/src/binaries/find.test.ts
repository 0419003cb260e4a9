import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBinaries } from './find.ts';
import { fakeProgram } from './testing/fake-archive.ts';
import { emptyMachine, scratchFolder } from './testing/scratch.ts';

function search() {
  const folder = scratchFolder();
  const options = { cache: join(folder, 'cache'), report: () => undefined };
  return { folder, options, machine: { ...emptyMachine(folder), path: `${folder}/a:${folder}/b` } };
}

describe('the search for programs', () => {
  it('prefers what is on the PATH, in its order', async () => {
    const { folder, options, machine } = search();
    fakeProgram(join(folder, 'b/prometheus'), 'prometheus', '3.0.0');
    fakeProgram(join(folder, 'a/node_exporter'), 'node_exporter', '1.9.0');
    fakeProgram(join(folder, 'b/prometheus-node-exporter'), 'node_exporter', '1.5.0');
    expect(await findBinaries(options, machine)).toEqual({
      prometheus: join(folder, 'b/prometheus'),
      nodeExporter: join(folder, 'b/prometheus-node-exporter'),
      promtool: undefined,
      source: 'PATH',
    });
  });

  it.each([
    ['another program of that name', (folder: string) => fakeProgram(join(folder, 'a/prometheus'), 'something', '1')],
    ['no node_exporter', (folder: string) => fakeProgram(join(folder, 'a/prometheus'), 'prometheus', '3.0.0')],
  ])('does not take a PATH with %s', async (_, prepare) => {
    const { folder, options, machine } = search();
    prepare(folder);
    await expect(findBinaries(options, machine)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  it('says every reason and what to install when there is nothing', async () => {
    const { folder, options, machine } = search();
    await expect(findBinaries(options, machine)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message:
        'Prometheus and node_exporter are not on the PATH and cannot be downloaded. ' +
        `${folder}/os-release names no release that packages are made for. ` +
        'Cannot use http://127.0.0.1:1/nothing/prometheus/releases/download/v3.5.0/prometheus-3.5.0.linux-amd64.tar.gz: bad port.',
      hint: expect.stringContaining('apt-get install prometheus prometheus-node-exporter'),
    });
  });

  it('stops at once when it is told to', async () => {
    const { options, machine } = search();
    await expect(findBinaries({ ...options, signal: AbortSignal.abort(new Error('Ctrl-C')) }, machine)).rejects.toThrow(
      'Ctrl-C',
    );
  });
});
