import type { Files, Random, Secret } from '@torchpass/core';
import { join } from 'node:path';
import { askNew } from '../config/new-passphrase.ts';
import { passphraseSource, readPassphrase, type SecretSource } from '../config/passphrase.ts';
import { refuseLoose } from '../config/permissions.ts';
import { refuseUnfinished } from '../backup/restore.ts';
import { createFeatures } from '../features.ts';
import { checkTrustDomain, createAuthorities, hasAuthorities, openAuthorities } from '../issuance/authorities.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore, type Store } from '../store/store.ts';
import { flagsAsText, type Flags } from './flags.ts';
import { findLoose } from './loose-paths.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

const PASSPHRASE_BYTES = 32;

/** Makes everything that a controller needs; what is there already stays as it is. */
export async function init(flags: Flags): Promise<void> {
  const base = await realSurroundings(flags);
  const source = passphraseSource(base.config, process.env, personAtTerminal());
  const lines = [...(await initialize(base, source)), ...whatNext(flags, base.config.admin.socket)];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The next commands, with the flags that this one was given: pasted, they work. */
function whatNext(flags: Flags, socket: string): string[] {
  const command = ['torchpass-controller run', ...flagsAsText(flags)].join(' ');
  return [
    '',
    `Start the controller:             ${command}`,
    `For the operator's command, once: export TORCHPASS_SOCKET=${socket}`,
  ];
}

/**
 * The work of `init`; answers what to tell the operator, as lines. Every step leaves something that the next run goes on
 * from, so a crash in between needs nothing but running it again.
 */
export async function initialize(base: Base, source: SecretSource): Promise<string[]> {
  const { config, files, clock } = base;
  refuseUnfinished(config.storage_path);
  await files.makeFolder(config.storage_path, { mode: 0o711 });
  refuseLoose(await findLoose(config));
  const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
  try {
    const store = await openStore({
      path: join(config.storage_path, 'torchpass.db'),
      clock,
      wrap: base.seams?.wrapDialect,
    });
    try {
      return await fill(store, base, source);
    } finally {
      await base.token?.close();
      await store.destroy();
    }
  } finally {
    lock.release();
  }
}

async function fill(store: Store, base: Base, source: SecretSource): Promise<string[]> {
  const { config, clock, random } = base;
  const isNew = !(await hasAuthorities(store));
  // Where there are authorities, only the passphrase that they were made with is of use.
  const { passphrase, made } = isNew ? await firstPassphrase(source, base) : await later(source);
  if (isNew) {
    await createAuthorities(
      {
        trustDomain: config.trust_domain,
        passphrase,
        rootLifetimeMs: config.authorities.root_lifetime,
        issuingLifetimeMs: config.authorities.issuing_lifetime,
      },
      { store, clock, random, token: base.token },
    );
  }
  const authorities = await openAuthorities(store, passphrase, {
    token: base.token,
    wrapSigner: base.seams?.wrapSigner,
  });
  checkTrustDomain(authorities.trustDomain, config.trust_domain);
  const { services } = createFeatures(
    { ...base, passphrase },
    { store, authorities, connections: () => 0, cut: () => 0, hurry: () => undefined },
  );
  const setup = await services.prometheus.setup();
  return [
    isNew
      ? `Made a root and four issuing authorities for ${authorities.trustDomain} in ${config.storage_path}.`
      : `${config.storage_path} has its authorities already; they stay as they are.`,
    ...(made === undefined ? [] : [`The passphrase that opens them is in ${made}: keep a copy of it elsewhere.`]),
    `What Prometheus reads is in ${setup.folder}. Next:`,
    ...setup.steps.map((step, index) => `  ${index + 1}. ${step}`),
    '',
    setup.scrapeConfig.trimEnd(),
  ];
}

/** The passphrase, and where it was made if it was. */
interface Given {
  passphrase: Secret;
  made?: string;
}

const later = async (source: SecretSource): Promise<Given> => ({ passphrase: await readPassphrase(source) });

/** Who brings none gets one in a file; at a terminal that is an empty answer. */
async function firstPassphrase(source: SecretSource, { config, files, random }: Base): Promise<Given> {
  const { passphrase_file: path } = config.authorities;
  if ('ask' in source) {
    const typed = await askNew(source.ask, `New passphrase for the authorities (empty: make one, in ${path}): `);
    if (typed !== undefined) return { passphrase: typed };
  }
  const file = 'ask' in source ? { path, named: 'authorities.passphrase_file', guarded: false } : source;
  const made = await makePassphrase(file.path, files, random);
  return { passphrase: await readPassphrase(file), ...(made ? { made: file.path } : {}) };
}

/** Answers whether it made one. */
async function makePassphrase(path: string, files: Files, random: Random): Promise<boolean> {
  if ((await files.read(path)) !== undefined) return false;
  await files.write(path, { data: `${random.bytes(PASSPHRASE_BYTES).toString('base64url')}\n`, mode: 0o600 });
  return true;
}
