import { nodeFiles, TorchpassError, type Files } from '@torchpass/core';
import { crashBefore, SimulatedCrash } from '@torchpass/core/testing';
import { readTargets } from '@torchpass/prometheus';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hostRow, joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import type { LabOptions } from '../testing/surroundings.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const openAllowed = (options: LabOptions = {}) =>
  openLab({ ...options, config: { ...SERVERS_ALLOWED, targets: { publish_interval: '1s' }, ...options.config } });

/** Puts targets into the database as a check-in does, without publishing. */
async function addTargets(lab: Lab, job: string, hosts: readonly string[], first = 1): Promise<void> {
  for (const [index, name] of hosts.entries()) {
    const address = `198.51.100.${first + index}`;
    await joinHost(lab, { name, address });
    const { id } = await hostRow(lab, name);
    const target = `${address}:9100`;
    const names = { dns_names: '[]', ip_addresses: JSON.stringify([address]), metrics_path: '/metrics', port: 9100 };
    const state = { target, published_target: target, problem: null, seen_serial: null, checked_at: null };
    await lab.store
      .insertInto('exporters')
      .values({ host_id: id, name: 'node', job, ...names, ...state })
      .execute();
  }
}

const fileOf = (lab: Lab, job: string) => join(lab.paths.targets, `${job}.json`);
const hostsIn = async (lab: Lab, job: string) =>
  readTargets(await readFile(fileOf(lab, job), 'utf8')).map(({ labels }) => labels['host']);

/** Files that count writings of targets and fail when told to. */
function watchedFiles() {
  const state = { writes: [] as string[], failure: undefined as TorchpassError | undefined };
  const real = nodeFiles();
  const files: Files = {
    ...real,
    async write(path, file, stageIn) {
      if (path.endsWith('.json')) {
        if (state.failure !== undefined) throw state.failure;
        state.writes.push(path);
      }
      return real.write(path, file, stageIn);
    },
  };
  return { files, state };
}

describe('publishing', () => {
  it('that keeps failing is in the log when it begins, when it fails otherwise, and when it fails again later', async () => {
    const { files, state } = watchedFiles();
    const lab = await openAllowed({ files });
    await addTargets(lab, 'node', ['a']);
    const publish = async (failure: string | undefined) => {
      state.failure = failure === undefined ? undefined : new TorchpassError('FILE_UNWRITABLE', failure);
      lab.clock.advance(1000);
      await lab.publisher.publish().catch(() => undefined);
      return lab.logged.filter((line) => line.includes('not up to date')).length;
    };
    expect([await publish('full'), await publish('full'), await publish('read-only')]).toEqual([1, 1, 2]);
    await publish(undefined);
    await addTargets(lab, 'node', ['b'], 2);
    expect([await publish('read-only'), await publish('read-only')]).toEqual([3, 3]);
  });

  it('writes a file for each job, in stable order, and again only what changed', async () => {
    const { files, state } = watchedFiles();
    const lab = await openAllowed({ files });
    await addTargets(lab, 'node', ['c', 'a', 'b']);
    await addTargets(lab, 'edge', ['d'], 50);
    const { jobs } = await lab.publisher.publish();
    expect(jobs.map(({ job, targets, changed }) => [job, targets, changed])).toEqual([
      ['edge', 1, true],
      ['node', 3, true],
    ]);
    const text = await readFile(fileOf(lab, 'node'), 'utf8');
    lab.clock.advance(2000);
    expect((await lab.publisher.publish()).jobs.map(({ changed }) => changed)).toEqual([false, false]);
    expect(await readFile(fileOf(lab, 'node'), 'utf8')).toBe(text);
    expect(state.writes).toHaveLength(2);
  });

  it('turns a hundred calls at once into few writings, and each caller finds its change on disk', async () => {
    const { files, state } = watchedFiles();
    const lab = await openAllowed({ files });
    const names = Array.from({ length: 100 }, (_, index) => `web-${index}`);
    const joins = names.map(async (name, index) => {
      await addTargets(lab, 'node', [name], index + 1);
      await lab.publisher.publish();
      expect(await hostsIn(lab, 'node')).toContain(name);
    });
    const ticking = setInterval(() => {
      if (lab.clock.nextWake !== undefined) lab.clock.advance(1000);
    }, 1);
    await Promise.all(joins).finally(() => clearInterval(ticking));
    expect(await hostsIn(lab, 'node')).toHaveLength(100);
    expect(state.writes.length).toBeLessThan(20);
  });

  it('waits no longer than its interval when the clock is set back', async () => {
    const lab = await openAllowed();
    await lab.publisher.publish();
    lab.clock.advance(-365 * 86_400_000);
    const second = lab.publisher.publish();
    await vi.waitFor(() => expect(lab.clock.nextWake).toBeDefined());
    lab.clock.advance(1000);
    expect(await second).toEqual({ jobs: [] });
  });

  it('stages outside the folder that Prometheus watches, where a file is whole or not there at any moment', async () => {
    const steps: string[] = [];
    const lab: Lab = await openAllowed({ files: nodeFiles((step, path) => void steps.push(`${step} ${path}`)) });
    await addTargets(lab, 'node', ['a']);
    steps.length = 0;
    await lab.publisher.publish();
    expect(steps).toEqual([
      `stage ${join(lab.paths.staging, '.node.json.torchpass-new')}`,
      `rename ${fileOf(lab, 'node')}`,
      `sync-folder ${lab.paths.targets}`,
    ]);
    expect(dirname(lab.paths.staging)).toBe(dirname(lab.paths.targets));
    expect(lab.paths.staging.startsWith(`${lab.paths.targets}/`)).toBe(false);
  });

  it.each([1, 2, 3])(
    'that crashed before step %d is done by the next one, and no partial file was seen',
    async (step) => {
      let crash = crashBefore(Number.POSITIVE_INFINITY);
      const lab = await openAllowed({ files: nodeFiles((what) => crash.step(what)) });
      await addTargets(lab, 'node', ['a']);
      await lab.publisher.publish();
      const old = await readFile(fileOf(lab, 'node'), 'utf8');
      await addTargets(lab, 'node', ['b'], 2);
      lab.clock.advance(1000);
      crash = crashBefore(step);
      await expect(lab.publisher.publish()).rejects.toThrow(SimulatedCrash);
      expect(await readdir(lab.paths.targets)).toEqual(['node.json']);
      const left = await readFile(fileOf(lab, 'node'), 'utf8');
      expect(step === 3 ? readTargets(left).length : left).toEqual(step === 3 ? 2 : old);
      await lab.close();
      const next = await openLab({ folder: lab.folder, config: SERVERS_ALLOWED });
      await next.publisher.publish();
      expect(await hostsIn(next, 'node')).toEqual(['a', 'b']);
    },
  );
});

describe('emptiness', () => {
  it('without a reason is refused, shown, and allowed on the operator’s word', async () => {
    const lab = await openAllowed();
    await addTargets(lab, 'node', ['a', 'b']);
    await addTargets(lab, 'edge', ['c'], 50);
    await lab.publisher.publish();
    await lab.store.deleteFrom('exporters').where('job', '=', 'node').execute();
    lab.clock.advance(1000);
    await expect(lab.publisher.publish()).rejects.toMatchObject({ code: 'PUBLISH_WOULD_EMPTY' });
    expect(await hostsIn(lab, 'node')).toEqual(['a', 'b']);
    expect(lab.publisher.problem('node')).toContain('node');
    expect(lab.publisher.problem('edge')).toBeUndefined();
    expect((await lab.services.status()).publishProblem).toBe(lab.publisher.problem());
    expect(await lab.metrics.registry.metrics()).toContain('torchpass_publish_failed 1');
    await lab.services.targets.publish({ allowEmpty: true }, OPERATOR);
    expect(await hostsIn(lab, 'node')).toEqual([]);
    expect(lab.publisher.problem()).toBeUndefined();
  });

  it('with a note for each target is right, with one missing it is not', async () => {
    const lab = await openAllowed();
    await addTargets(lab, 'node', ['a', 'b']);
    await lab.publisher.publish();
    lab.clock.advance(1000);
    const revoking = lab.services.hosts.revoke('a', 'gone', OPERATOR);
    await revoking;
    await lab.store.deleteFrom('exporters').execute();
    // The file that `a` is still in was not written: as after a crash between the revocation and the writing.
    await writeFile(fileOf(lab, 'node'), JSON.stringify([{ targets: ['198.51.100.1:9100', '198.51.100.2:9100'] }]));
    lab.clock.advance(1000);
    await expect(lab.publisher.publish()).rejects.toMatchObject({ code: 'PUBLISH_WOULD_EMPTY' });
    await writeFile(fileOf(lab, 'node'), JSON.stringify([{ targets: ['198.51.100.1:9100'] }]));
    lab.clock.advance(1000);
    await lab.publisher.publish();
    expect(await hostsIn(lab, 'node')).toEqual([]);
  });

  it('of a whole job is right when its last host is revoked', async () => {
    const lab = await openAllowed();
    await addTargets(lab, 'node', ['a']);
    await lab.publisher.publish();
    lab.clock.advance(1000);
    await lab.services.hosts.revoke('a', '', OPERATOR);
    expect(await hostsIn(lab, 'node')).toEqual([]);
  });

  it('does not come of a file that cannot be read: Prometheus goes on with what it had', async () => {
    const lab = await openAllowed();
    await writeFile(fileOf(lab, 'node'), '[{"targets": ["198.51.100.1:91');
    await expect(lab.publisher.publish()).rejects.toMatchObject({ code: 'PUBLISH_WOULD_EMPTY' });
    expect(await readFile(fileOf(lab, 'node'), 'utf8')).toContain('"198.51.100.1:91');
  });

  it('a damaged file is replaced as soon as there are targets for it', async () => {
    const lab = await openAllowed();
    await writeFile(fileOf(lab, 'node'), 'garbage');
    await addTargets(lab, 'node', ['a']);
    await lab.publisher.publish();
    expect(await hostsIn(lab, 'node')).toEqual(['a']);
  });
});

describe('a file that cannot be written', () => {
  it('shows as a problem while the disk is full, and nothing is lost when there is room again', async () => {
    const { files, state } = watchedFiles();
    const lab = await openAllowed({ files });
    await addTargets(lab, 'node', ['a']);
    state.failure = new TorchpassError('FILE_UNWRITABLE', 'Cannot write node.json: ENOSPC: no space left on device.');
    await expect(lab.publisher.publish()).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(lab.publisher.problem('node')).toContain('no space left');
    state.failure = undefined;
    lab.clock.advance(1000);
    await lab.publisher.publish();
    expect(lab.publisher.problem()).toBeUndefined();
    expect(await hostsIn(lab, 'node')).toEqual(['a']);
  });

  it('does not hold up the others', async () => {
    const lab = await openAllowed();
    await mkdir(fileOf(lab, 'edge'));
    await addTargets(lab, 'edge', ['a']);
    await addTargets(lab, 'node', ['b'], 2);
    await expect(lab.publisher.publish()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(await hostsIn(lab, 'node')).toEqual(['b']);
    expect(lab.publisher.problem('node')).toBeUndefined();
    expect(lab.publisher.problem('edge')).toContain('edge.json');
    await rm(fileOf(lab, 'edge'), { recursive: true });
    lab.clock.advance(1000);
    await lab.publisher.publish();
    expect(await hostsIn(lab, 'edge')).toEqual(['a']);
  });
});

it('a damaged row of the database stops the writing with the files as they were', async () => {
  const lab = await openAllowed();
  await addTargets(lab, 'node', ['a']);
  await lab.publisher.publish();
  await lab.store.updateTable('hosts').set({ labels: '["not", "a", "map"]' }).execute();
  lab.clock.advance(1000);
  await expect(lab.publisher.publish()).rejects.toThrow('a map of texts was expected');
  expect(lab.publisher.problem('node')).toContain('a map of texts was expected');
  expect(await hostsIn(lab, 'node')).toEqual(['a']);
});
