import { type ErrorCode, type Files, isTorchpassError } from '@torchpass/core';
import type { CertificatePair } from './certificate-pair.ts';
import { type PendingKey, readPendingKey, takePendingKey } from './pending-key.ts';

export interface Request {
  /** Where the pending key is kept. */
  nextKey: string;
  /** Asks for a certificate for this key and checks what comes back. */
  ask(key: PendingKey): Promise<CertificatePair>;
  /** Errors after which a key that was left from an earlier attempt is given up and a fresh one is tried. */
  staleKeyErrors: readonly ErrorCode[];
}

/**
 * Gets a certificate with the key that is pending, or a fresh one. The pending key stays: it goes when the certificate is
 * in use. A key that was left behind long ago may bring back a certificate that no longer fits; then, once, a fresh one.
 */
export async function obtain(request: Request, files: Files): Promise<CertificatePair> {
  const leftBehind = await readPendingKey(request.nextKey, files);
  if (leftBehind !== undefined) {
    try {
      return await request.ask(leftBehind);
    } catch (error) {
      if (!isTorchpassError(error, ...request.staleKeyErrors)) throw error;
      await files.remove(request.nextKey);
    }
  }
  return request.ask(await takePendingKey(request.nextKey, files));
}
