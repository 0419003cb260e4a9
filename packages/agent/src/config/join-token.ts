import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isTorchpassError, type Files, Secret, TorchpassError } from '@torchpass/core';

/** Where a join token may come from. Never from an argument: every user of the machine can read those. */
export interface TokenSources {
  /** `--token-file`. */
  file: string | undefined;
  /** `$CREDENTIALS_DIRECTORY`, set by systemd (systemd.exec(5), credentials). */
  credentialsDirectory: string | undefined;
  /** The first line of standard input, at most `limit` characters. */
  readInput: (limit: number) => Promise<string>;
  /** Takes a sentence for the user. */
  warn: (sentence: string) => void;
}

/** Where systemd has put what LoadCredential= names, if it started us. */
export function credentialsDirectory(): string | undefined {
  return process.env['CREDENTIALS_DIRECTORY'];
}

const CREDENTIAL = 'torchpass-token';
const LONGEST_INPUT = 4096;

/** The text of the token as pasted, from the first source that there is. */
export async function readTokenText(sources: TokenSources, files: Files): Promise<Secret> {
  if (sources.file !== undefined) {
    const content = await files.read(sources.file).catch((error: unknown) => {
      if (isTorchpassError(error)) throw new TorchpassError('USAGE', error.message, { cause: error });
      throw error;
    });
    if (content === undefined) throw new TorchpassError('USAGE', `--token-file: there is no file ${sources.file}.`);
    await warnOfReaders(sources.file, sources.warn);
    return new Secret(content.subarray(0, LONGEST_INPUT).toString('utf8'));
  }
  if (sources.credentialsDirectory !== undefined) {
    const content = await files.read(join(sources.credentialsDirectory, CREDENTIAL));
    if (content !== undefined) return new Secret(content.subarray(0, LONGEST_INPUT).toString('utf8'));
  }
  const text = await sources.readInput(LONGEST_INPUT);
  if (text.trim() !== '') return new Secret(text);
  throw new TorchpassError('USAGE', 'No join token was given on standard input.', {
    hint: 'Pipe it in, or name a file that holds it with --token-file.',
  });
}

/** Only a warning: cloud-init and others write files that everybody can read, and the token is used up in a moment. */
async function warnOfReaders(path: string, warn: (sentence: string) => void): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  warn(
    `Warning: ${path} can be read by other users (mode 0${(mode & 0o777).toString(8)}): until it is used, any of them could join with this token. Write such files with mode 0600.`,
  );
}

/** Refuses a token on the command line before anything else reads, repeats or logs it. */
export function refuseTokenArgument(args: readonly string[]): void {
  if (!args.some((arg) => /^--token(?:=|$)/.test(arg) || arg.includes('tpjoin1.'))) return;
  throw new TorchpassError(
    'USAGE',
    'A join token is not accepted as an argument: other users can read arguments in the list of processes, and shells keep them.',
    {
      hint: 'Give it on standard input or with --token-file, and revoke this one ("torchpass token revoke"): it has been seen.',
    },
  );
}
