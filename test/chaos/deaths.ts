import { cpSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { startController, type Controller } from '@torchpass/controller';
import { nodeFiles } from '@torchpass/core';
import { crashBefore, ManualClock } from '@torchpass/core/testing';
import type { Signer } from '@torchpass/pki';
import { readPassphrase } from '../../packages/controller/src/config/passphrase.ts';
import { watchStatements } from '../../packages/controller/src/testing/crash-dialect.ts';
import { installStorage, labPassphrase, labSurroundings } from '../../packages/controller/src/testing/surroundings.ts';
import type { Scope } from '../harness/scope.ts';
import { workspace } from '../harness/workspace.ts';

const CONFIG = { policy: { allowed_networks: ['127.0.0.0/8'] } };
const NOW = new Date();

/** A controller that dies before a step: a statement of the database, a change of the file system, or a signature. */
export interface MortalController {
  controller: Controller;
  clock: ManualClock;
  close(): Promise<void>;
}

export interface Life {
  /** What it was about to do when it died; undefined when it did not. */
  readonly diedAt: string | undefined;
  /** The storage as a kill -9 at that moment leaves it. */
  readonly remains: string;
}

/** An initialized storage. */
export async function newStorage(scope: Scope): Promise<string> {
  const folder = await workspace(scope);
  await installStorage(await labSurroundings({ folder, clock: new ManualClock(NOW) }));
  return join(folder, 'storage');
}

/**
 * Starts a controller on a copy of `storage`, lets `work` use it, and ends it. It dies before step number `n`: the storage
 * is copied at that very moment, and whatever the dying process still tries fails. What `work` throws counts only
 * when the controller has not died.
 */
export async function live(
  scope: Scope,
  storage: string,
  n: number,
  work: (mortal: MortalController) => Promise<void>,
): Promise<Life> {
  const folder = await workspace(scope);
  const mine = join(folder, 'storage');
  const remains = join(folder, 'remains');
  await cp(storage, mine, { recursive: true });
  const death = crashBefore(n);
  const step = (what: string) => {
    const wasAlive = !death.crashed;
    try {
      death.step(what);
    } catch (error) {
      if (wasAlive) cpSync(mine, remains, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      throw error;
    }
  };

  const clock = new ManualClock(NOW);
  const surroundings = await labSurroundings({
    folder,
    clock,
    config: CONFIG,
    files: nodeFiles((what, path) => step(`${what} ${path.slice(mine.length)}`)),
    seams: { wrapDialect: watchStatements(step), wrapSigner: (signer) => mortalSigner(signer, step) },
  });
  let controller: Controller | undefined;
  try {
    const passphrase = await readPassphrase(labPassphrase(surroundings));
    controller = await startController({ ...surroundings, passphrase });
    await work({ controller, clock, close: () => controller?.close() ?? Promise.resolve() });
  } catch (error) {
    if (!death.crashed) throw error;
  }
  // The dead leave no last words: what a controller writes at its end fails here.
  await controller?.close().catch((error: unknown) => {
    if (!death.crashed) throw error;
  });
  return { diedAt: death.at, remains: death.crashed ? remains : mine };
}

function mortalSigner(signer: Signer, step: (what: string) => void): Signer {
  const { algorithm, publicKey } = signer;
  return {
    algorithm,
    publicKey,
    sign: async (message) => {
      step('sign');
      return signer.sign(message);
    },
  };
}
