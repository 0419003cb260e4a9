import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readPassphrase } from '../config/passphrase.ts';
import { createFeatures } from '../context.ts';
import { openAuthorities, type Authorities } from '../issuance/authorities.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Look } from '../targets/closed-loop.ts';
import {
  installStorage,
  labPassphrase,
  labSurroundings,
  type LabOptions,
  type LabSurroundings,
} from './surroundings.ts';

/** What the controller sees when it looks at exporters from outside: what the test says. */
export interface Outside {
  looks: Look[];
  /** Undefined when all is well. */
  answer: (look: Look) => string | undefined | Promise<string | undefined>;
}

export type Lab = LabSurroundings &
  ReturnType<typeof createFeatures> & {
    store: Store;
    authorities: Authorities;
    outside: Outside;
    close: () => Promise<void>;
  };

/** Every feature of the controller on a storage of its own, put together as the program is, without its ports. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const surroundings = await labSurroundings(options);
  const { config, clock, seams = {} } = surroundings;
  if (!existsSync(config.storage_path)) await installStorage(surroundings);
  const outside: Outside = { looks: [], answer: () => undefined };
  const look = async (wanted: Look) => {
    outside.looks.push(wanted);
    return outside.answer(wanted);
  };
  const path = join(config.storage_path, 'torchpass.db');
  const store = await openStore({ path, clock, wrap: seams.wrapDialect });
  const close = () => store.destroy();
  onTestFinished(close);
  const passphrase = await readPassphrase(labPassphrase(surroundings));
  const authorities = await openAuthorities(store, passphrase, seams.wrapSigner);
  const features = createFeatures(
    { ...surroundings, passphrase, seams: { look, ...seams } },
    { store, authorities, connections: () => 0 },
  );
  await features.prometheusFolder.refresh();
  return { ...surroundings, ...features, store, authorities, outside, close };
}
