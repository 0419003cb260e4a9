import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { X509Certificate } from 'node:crypto';
import type { Files } from '@torchpass/core';
import { PRIVATE_FILE } from '../storage/layout.ts';

/**
 * The key of a certificate that is being asked for. It is on disk before the request leaves, and goes when
 * the certificate is in use: whatever is lost in between, the request is made again with the same key and
 * the controller gives the same answer.
 */
export interface PendingKey {
  pem: string;
  belongsTo(certificate: X509Certificate): boolean;
}

export async function readPendingKey(path: string, files: Files): Promise<PendingKey | undefined> {
  const pem = (await files.read(path))?.toString('utf8');
  return pem === undefined ? undefined : parse(pem);
}

/** The pending key, made when there is none: ECDSA P-256, PKCS #8 (RFC 5958). */
export async function takePendingKey(path: string, files: Files): Promise<PendingKey> {
  const pending = await readPendingKey(path, files);
  if (pending !== undefined) return pending;
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await files.write(path, { data: pem, ...PRIVATE_FILE });
  return parse(pem.toString()) as PendingKey;
}

/** Undefined for what is not a key: it is replaced like a missing one. */
function parse(pem: string): PendingKey | undefined {
  try {
    const publicKey = createPublicKey(createPrivateKey(pem));
    return { pem, belongsTo: (certificate) => publicKey.equals(certificate.publicKey) };
  } catch {
    return undefined;
  }
}
