import { ManualClock } from '@torchpass/core/testing';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { certificatesFromPem, describeCertificate } from '@torchpass/pki';
import { onTestFinished } from 'vitest';
import { readPassphrase } from '../config/passphrase.ts';
import { startController, type Controller } from '../context.ts';
import { createFeatures } from '../features.ts';
import { openAuthorities, type Authorities } from '../issuance/authorities.ts';
import type { TryKnock } from '../revocation/knock.ts';
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
  /** Serial numbers of the certificates that were knocked with. */
  knocks: string[];
  /** Whether the door was opened to them. */
  opens: boolean;
}

export type Lab = LabSurroundings &
  ReturnType<typeof createFeatures> & {
    store: Store;
    authorities: Authorities;
    outside: Outside;
    /** Serial numbers whose connections were to be closed, one list a revocation. */
    cuts: string[][];
    /** How often the upkeep was told to look at once. */
    hurried: number;
    /** Told of each. */
    onCut: () => unknown;
    close: () => Promise<void>;
  };

/** Every feature of the controller on a storage of its own, put together as the program is, without its ports. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const surroundings = await labSurroundings(options);
  const { config, clock, seams = {} } = surroundings;
  if (!existsSync(config.storage_path)) await installStorage(surroundings);
  const outside: Outside = { looks: [], answer: () => undefined, knocks: [], opens: false };
  const look = async (wanted: Look) => {
    outside.looks.push(wanted);
    return outside.answer(wanted);
  };
  const knock: TryKnock = async (_target, { certificate }) => {
    const [leaf] = certificatesFromPem(certificate);
    outside.knocks.push(leaf === undefined ? '' : describeCertificate(leaf).serial);
    const seen = { serverSerial: '', chainTrusted: true, bytes: 0, contentType: undefined };
    return outside.opens ? { kind: 'answered', status: 200, ...seen } : { kind: 'refused', reason: '', ...seen };
  };
  const path = join(config.storage_path, 'torchpass.db');
  const store = await openStore({ path, clock, wrap: seams.wrapDialect });
  const close = () => store.destroy();
  onTestFinished(close);
  const passphrase = await readPassphrase(labPassphrase(surroundings));
  const authorities = await openAuthorities(store, passphrase, { wrapSigner: seams.wrapSigner });
  const cuts: string[][] = [];
  const cut = (serials: ReadonlySet<string>) => {
    cuts.push([...serials]);
    lab.onCut();
    return 0;
  };
  const features = createFeatures(
    { ...surroundings, passphrase, seams: { look, knock, ...seams } },
    { store, authorities, connections: () => 0, cut, hurry: () => void (lab.hurried += 1) },
  );
  await features.prometheusFolder.refresh();
  const lab: Lab = {
    ...surroundings,
    ...features,
    store,
    authorities,
    outside,
    cuts,
    hurried: 0,
    onCut: () => undefined,
    close,
  };
  return lab;
}

/** One moment for all labs of a process: they share one template. */
const NOW = new Date();

export type RunningLab = LabSurroundings & Controller;

/** The whole controller with its ports, in this process, on a storage of its own. Its clock has to be near the real one: TLS is. */
export async function startLab(options: LabOptions = {}): Promise<RunningLab> {
  const surroundings = await labSurroundings({ clock: new ManualClock(NOW), ...options });
  if (!existsSync(surroundings.config.storage_path)) await installStorage(surroundings);
  const passphrase = await readPassphrase(labPassphrase(surroundings));
  const controller = await startController({ ...surroundings, passphrase });
  onTestFinished(() => controller.close());
  return { ...surroundings, ...controller };
}
