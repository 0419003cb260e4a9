import { silentLogger, TorchpassError, type Logger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Publisher } from './targets/publisher.ts';
import { keepFresh, type Upkeep } from './upkeep.ts';

/** Upkeep with parts that fail when the test says so; `pass` lets five seconds go by. */
async function start() {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields) => void errors.push(fields?.['what']) };
  const failed = new Map<Upkeep, boolean>();
  const state: { folder?: Error; publication?: TorchpassError } = {};
  const refresh = async () => {
    if (state.folder !== undefined) throw state.folder;
    return {} as never;
  };
  const publish = vi.fn<Publisher['publish']>(async () => {
    if (state.publication !== undefined) throw state.publication;
    return { jobs: [] };
  });
  const upkeep = keepFresh({
    prometheusFolder: { refresh, credentials: () => Promise.reject(new Error('nobody asks')) },
    controllerCertificate: { fresh: () => Promise.resolve({ key: '', cert: '' }) },
    serveWith: () => undefined,
    revocationLists: { refresh: () => Promise.resolve(), newest: () => Promise.resolve(undefined) },
    auditKeeper: { pass: () => Promise.resolve() },
    rotate: () => Promise.resolve(),
    publisher: { publish, problem: () => state.publication?.sentence },
    expirePending: () => Promise.resolve(),
    observe: (what, value) => void failed.set(what, value),
    clock,
    logger,
  });
  const rested = () => vi.waitFor(() => expect(clock.nextWake).toBeDefined());
  onTestFinished(() => upkeep.stop());
  await rested();
  const pass = async (times = 1) => {
    for (let n = 0; n < times; n += 1) {
      clock.advance(5000);
      await rested();
    }
  };
  return { clock, state, errors, failed, publish, pass };
}

it('logs a failure when it begins and when it becomes another, and shows it while it lasts', async () => {
  const { state, errors, failed, pass } = await start();
  expect([...failed]).toEqual([
    ['rotation', false],
    ['controller_certificate', false],
    ['prometheus_folder', false],
    ['revocation_lists', false],
    ['pending_hosts', false],
    ['audit_log', false],
  ]);
  state.folder = new Error('disk full');
  await pass(10);
  expect([errors, failed.get('prometheus_folder')]).toEqual([['prometheus_folder'], true]);
  state.folder = new Error('read-only');
  await pass(10);
  expect(errors).toHaveLength(2);
  delete state.folder;
  await pass();
  expect(failed.get('prometheus_folder')).toBe(false);
  state.folder = new Error('read-only');
  await pass();
  expect(errors).toHaveLength(3);
});

it('tries a file that could not be written at each pass', async () => {
  const { state, publish, pass } = await start();
  state.publication = new TorchpassError('FILE_UNWRITABLE', 'The disk is full.');
  await pass(10);
  expect(publish).toHaveBeenCalledTimes(10);
});

it('leaves a refused publication to the operator, and tries when the problem is another', async () => {
  const { clock, state, publish, pass } = await start();
  state.publication = new TorchpassError('PUBLISH_WOULD_EMPTY', 'Job node has no target.');
  await pass(10);
  expect(publish).toHaveBeenCalledTimes(1);
  state.publication = new TorchpassError('PUBLISH_WOULD_EMPTY', 'Job mysqld has no target.');
  await pass(10);
  expect(publish).toHaveBeenCalledTimes(2);
  clock.advance(3_600_000);
  await pass(2);
  expect(publish).toHaveBeenCalledTimes(3);
});
