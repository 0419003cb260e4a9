import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { reasonOf, TorchpassError } from '@torchpass/core';

/** Far above any archive that is pinned; a server that never ends is cut off here. */
const LARGEST_BYTES = 512 * 1024 * 1024;
const LONGEST_MS = 15 * 60_000;

/** Writes what `url` answers into `path`. DOWNLOAD_FAILED unless its SHA-256 (hex) is the one given. */
export async function download(
  url: string,
  path: string,
  { sha256, signal }: { sha256: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const hash = createHash('sha256');
  const patience = AbortSignal.timeout(LONGEST_MS);
  const file = await open(path, 'wx', 0o600);
  try {
    const chunks = bodyOf(url, signal === undefined ? patience : AbortSignal.any([signal, patience]));
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > LARGEST_BYTES) throw failed(url, 'it is larger than any release');
      hash.update(chunk);
      await file.write(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await file.close();
  }
  const got = hash.digest('hex');
  if (got !== sha256) throw failed(url, `its SHA-256 is ${got}, not the pinned ${sha256}; it was thrown away`);
}

async function* bodyOf(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw failed(url, `the server answered ${response.status}`);
    yield* response.body;
  } catch (error) {
    if (error instanceof TorchpassError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw failed(url, reasonOf(cause), cause);
  }
}

function failed(url: string, reason: string, cause?: unknown): TorchpassError {
  return new TorchpassError('DOWNLOAD_FAILED', `Cannot use ${url}: ${reason}.`, { cause });
}
