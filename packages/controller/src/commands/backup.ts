import { TorchpassError, type Secret } from '@torchpass/core';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from '../backup/archive.ts';
import { makeBackup } from '../backup/make-backup.ts';
import { stage } from '../backup/stage.ts';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { readSecretFile } from '../config/secret-file.ts';
import type { Flags } from './flags.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

export interface BackupFlags extends Flags {
  out?: string;
  verify?: string;
  passphraseFile?: string;
}

/** Makes a backup beside a running controller, or looks whether one is whole. */
export async function backup(flags: BackupFlags): Promise<void> {
  const { out, verify } = flags;
  if ((out === undefined) === (verify === undefined)) {
    throw new TorchpassError('USAGE', 'Say --out FILE to make a backup, or --verify FILE to look at one.', {
      hint: 'See: torchpass-controller backup --help',
    });
  }
  const base = await realSurroundings(flags);
  const ask = () => readPassphrase(passphraseSource(base.config, process.env, personAtTerminal()));
  // Standard output may be the backup.
  const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  if (verify !== undefined) {
    const installation = await ask();
    const passphrases = {
      backup: await backupPassphrase(flags.passphraseFile, async () => installation),
      installation,
    };
    return verifyBackup(base, { path: verify, passphrases }, say);
  }
  const own = await backupPassphrase(flags.passphraseFile, ask);
  if (out === '-') {
    if (process.stdout.isTTY)
      throw new TorchpassError('USAGE', 'A backup is not text: give a file, or a pipe after it.');
    return sayMade(await backupTo(base, own, tmpdir(), (bytes) => pipeline(Readable.from(bytes), process.stdout)), say);
  }
  const path = resolve(out ?? '');
  const write = (data: AsyncIterable<Uint8Array>) => base.files.write(path, { data, mode: 0o600 });
  sayMade(await backupTo(base, own, dirname(path), write), say);
}

/** That of the backup: in a file of its own, else the installation's. */
export async function backupPassphrase(file: string | undefined, installation: () => Promise<Secret>): Promise<Secret> {
  if (file === undefined) return installation();
  return readSecretFile(
    { path: resolve(file), named: '--passphrase-file', guarded: false },
    'passphrase of the backup',
  );
}

function backupTo(
  { config, ...tools }: Base,
  passphrase: Secret,
  workIn: string,
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  return makeBackup({ storage: config.storage_path, passphrase, workIn }, tools, take);
}

function sayMade({ made_at, trust_domain, audit_head, files }: Manifest, say: (sentence: string) => void): void {
  const names = files.map(({ name, size }) => `${name} (${size} bytes)`).join(', ');
  say(`Backup of ${trust_domain} as it was on ${made_at}: ${names}.`);
  say(`Head of the audit log in it: ${audit_head}`);
  say('The passphrase is not in it. Keep that, and the backup, in two different places.');
}

/** Unpacks it into a folder of its own, opens everything, and leaves nothing. */
export async function verifyBackup(
  tools: Pick<Base, 'files' | 'clock' | 'token'>,
  { path, passphrases }: { path: string; passphrases: { backup: Secret; installation: Secret } },
  say: (sentence: string) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'torchpass-verify-'));
  try {
    const options = { backup: readBackup(path), passphrases, folder };
    await stage(options, tools, async ({ manifest, auditFault }) => {
      sayMade(manifest, say);
      if (auditFault !== undefined) throw new TorchpassError('AUDIT_BROKEN', `The backup is whole, but ${auditFault}`);
    });
    say('It is whole, and its authorities open with the passphrase.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `-` is standard input. */
export async function* readBackup(path: string): AsyncGenerator<Uint8Array, void> {
  const stream: AsyncIterable<Uint8Array> = path === '-' ? process.stdin : createReadStream(path);
  try {
    yield* stream;
  } catch (error) {
    throw new TorchpassError('FILE_UNREADABLE', `Cannot read the backup ${path}: ${String(error)}.`, { cause: error });
  }
}
