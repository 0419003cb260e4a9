import { createHash, hash } from 'node:crypto';

/**
 * Stands for a set of certificates: SHA-256 over the sorted SHA-256 hashes of their DER. Two sides that hold the same set find
 * the same 32 bytes, in whatever order and however often each is listed.
 */
export function certificatesDigest(certificates: readonly Uint8Array[]): Buffer {
  const hashes = [...new Set(certificates.map((der) => hash('sha256', der, 'hex')))].toSorted();
  const digest = createHash('sha256');
  for (const one of hashes) digest.update(one, 'hex');
  return digest.digest();
}
