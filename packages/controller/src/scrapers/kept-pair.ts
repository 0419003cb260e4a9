import type { Clock, Files, Permissions } from '@torchpass/core';
import {
  certificatesFromPem,
  certificatesToPem,
  describeCertificate,
  generatePrivateKey,
  keyFingerprint,
  privateKeyFromPem,
  privateKeyToPem,
  publicKeyInfo,
} from '@torchpass/pki';
import type { KeyObject } from 'node:crypto';
import type { CertificateOrder, Issuance } from '../issuance/issuance.ts';
import { isDue } from '../issuance/renewal.ts';

export interface PairTools {
  files: Files;
  issuance: Issuance;
  clock: Clock;
}

export interface PairOptions {
  certificatePath: string;
  keyPath: string;
  permissions: Permissions;
  order: Omit<CertificateOrder, 'publicKey'>;
}

export interface Pair {
  /** PEM, the leaf and its authority. */
  certificate: string;
  /** PEM. */
  key: string;
  serial: string;
  notBefore: Date;
  notAfter: Date;
}

/**
 * A certificate file and a key file that another program reads at any moment. The key is made once; a renewal replaces
 * the certificate alone, by one rename: a reader never sees a pair that does not match.
 */
export async function keepPair(
  { certificatePath, keyPath, permissions, order }: PairOptions,
  tools: PairTools,
): Promise<Pair> {
  const { files, issuance, clock } = tools;
  const key = await loadOrMakeKey(files, keyPath, permissions);
  const publicKey = publicKeyInfo(key);
  const onDisk = await readCertificate(files, certificatePath);
  if (onDisk !== undefined && fits(onDisk, publicKey, order, clock.now())) {
    return { ...onDisk, key: privateKeyToPem(key) };
  }
  const issued = await issuance.renewWithSameKey({ ...order, publicKey });
  const certificate = certificatesToPem(issued.chain);
  await files.write(certificatePath, { data: certificate, ...permissions });
  const { serial, notBefore, notAfter } = issued;
  return { certificate, key: privateKeyToPem(key), serial, notBefore, notAfter };
}

async function loadOrMakeKey(files: Files, path: string, permissions: Permissions): Promise<KeyObject> {
  const pem = await files.read(path);
  if (pem !== undefined) return privateKeyFromPem(pem);
  const key = await generatePrivateKey();
  await files.write(path, { data: privateKeyToPem(key), ...permissions });
  return key;
}

async function readCertificate(files: Files, path: string) {
  const pem = await files.read(path);
  if (pem === undefined) return undefined;
  try {
    const [leaf] = certificatesFromPem(pem);
    return leaf === undefined ? undefined : { certificate: pem.toString('utf8'), ...describeCertificate(leaf) };
  } catch {
    // Damaged by somebody else: replaced like a missing one.
    return undefined;
  }
}

function fits(
  found: ReturnType<typeof describeCertificate>,
  publicKey: Buffer,
  order: Omit<CertificateOrder, 'publicKey'>,
  now: Date,
): boolean {
  const sameNames =
    found.dnsNames.join() === order.dnsNames.join() && found.ipAddresses.join() === order.ipAddresses.join();
  return sameNames && found.fingerprint === keyFingerprint(publicKey) && !isDue(found, now);
}
