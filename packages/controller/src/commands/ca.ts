import { nodeFiles, TorchpassError, type Secret } from '@torchpass/core';
import { userInfo } from 'node:os';
import { operatorHere } from '../audit/actor.ts';
import { askNew } from '../config/new-passphrase.ts';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { readSecretFile } from '../config/secret-file.ts';
import { exportRoot } from './ca-export-root.ts';
import { importAuthority, requestAuthority } from './ca-request.ts';
import { signRequest } from './ca-sign.ts';
import type { Flags } from './flags.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

/** `torchpass-controller ca …`: a root whose key is kept on another machine. */
export interface CaFlags extends Flags {
  rootKey?: string;
  request?: string;
  out?: string;
  keyPassphraseFile?: string;
}

const say = (lines: readonly string[]) => void process.stdout.write(`${lines.join('\n')}\n`);

export async function caExportRoot(flags: CaFlags, path: string): Promise<void> {
  const { base, own } = await opened(flags);
  const file = await keyPassphrase(flags, true);
  say(await exportRoot(base, path, { own, file }, operatorHere(userInfo().username)));
}

export async function caRequest(flags: CaFlags, role: string): Promise<void> {
  const wanted = { role, out: demand(flags.out, '--out FILE') };
  const { base, own } = await opened(flags);
  say(await requestAuthority(base, wanted, own));
}

export async function caSign(flags: CaFlags): Promise<void> {
  const paths = {
    rootKey: demand(flags.rootKey, '--root-key FILE'),
    request: demand(flags.request, '--request FILE'),
    out: demand(flags.out, '--out FILE'),
  };
  say(await signRequest(nodeFiles(), paths, await keyPassphrase(flags, false)));
}

export async function caImport(flags: CaFlags, path: string): Promise<void> {
  const { base, own } = await opened(flags);
  say(await importAuthority(base, path, own, operatorHere(userInfo().username)));
}

async function opened(flags: CaFlags): Promise<{ base: Base; own: Secret }> {
  const base = await realSurroundings(flags);
  return { base, own: await readPassphrase(passphraseSource(base.config, process.env, personAtTerminal())) };
}

/** Of the file with the root's key: never on a command line. */
async function keyPassphrase({ keyPassphraseFile: path }: CaFlags, isNew: boolean): Promise<Secret> {
  if (path !== undefined) return readSecretFile({ path, named: '--key-passphrase-file', guarded: false }, 'passphrase');
  const ask = personAtTerminal();
  const question = "Passphrase of the root's file: ";
  const given = ask === undefined ? undefined : isNew ? await askNew(ask, question) : await ask(question);
  if (given !== undefined) return given;
  throw new TorchpassError('USAGE', "The passphrase of the root's file was not given.", {
    hint: 'Name a file of mode 0600 with --key-passphrase-file.',
  });
}

function demand(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new TorchpassError('USAGE', `Give ${option}.`, { hint: 'See: torchpass-controller ca --help' });
}
