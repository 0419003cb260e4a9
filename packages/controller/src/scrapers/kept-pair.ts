import { isTorchpassError, type Clock, type Files, type Permissions } from '@torchpass/core';
import {
  certificatesFromPem,
  certificatesToPem,
  describeCertificate,
  formatSpiffeId,
  generatePrivateKey,
  keyFingerprint,
  privateKeyFromPem,
  privateKeyToPem,
  publicKeyInfo,
  verifyChain,
} from '@torchpass/pki';
import type { KeyObject } from 'node:crypto';
import type { Authorities } from '../issuance/authorities.ts';
import type { CertificateOrder, Issuance } from '../issuance/issuance.ts';
import { isDue } from '../issuance/renewal.ts';

export interface PairTools {
  files: Files;
  authorities: Authorities;
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
export async function keepPair(options: PairOptions, tools: PairTools): Promise<Pair> {
  const { certificatePath, keyPath, permissions, order } = options;
  const { files, authorities, clock } = tools;
  const key = readKey(await files.read(keyPath)) ?? (await makeKey(options, tools));
  const onDisk = await readCertificate(files, certificatePath);
  const isGood =
    onDisk !== undefined &&
    fits(onDisk, { ...order, publicKey: publicKeyInfo(key) }, authorities, clock.now()) &&
    !(await tools.issuance.isRevoked(onDisk.serial));
  if (isGood) {
    return { ...onDisk, key: privateKeyToPem(key) };
  }
  const { issued, key: certified } = await certify(key, options, tools);
  const certificate = certificatesToPem(issued.chain);
  await files.write(certificatePath, { data: certificate, ...permissions });
  const { serial, notBefore, notAfter } = issued;
  return { certificate, key: privateKeyToPem(certified), serial, notBefore, notAfter };
}

/**
 * A certificate for this key; for a new one when this belongs to another purpose, as after a change of the scraper's name, or to a
 * revoked certificate.
 */
async function certify(key: KeyObject, options: PairOptions, tools: PairTools) {
  const issue = (publicKey: Buffer) => tools.issuance.renewWithSameKey({ ...options.order, publicKey });
  try {
    return { key, issued: await issue(publicKeyInfo(key)) };
  } catch (error) {
    if (!isTorchpassError(error, 'KEY_REUSED')) throw error;
    const fresh = await makeKey(options, tools);
    return { key: fresh, issued: await issue(publicKeyInfo(fresh)) };
  }
}

async function makeKey({ keyPath, permissions }: PairOptions, { files }: PairTools): Promise<KeyObject> {
  const key = await generatePrivateKey();
  await files.write(keyPath, { data: privateKeyToPem(key), ...permissions });
  return key;
}

/** Undefined also when somebody damaged it: then a new one is made, as for a missing one. */
function readKey(pem: Buffer | undefined): KeyObject | undefined {
  try {
    return pem === undefined ? undefined : privateKeyFromPem(pem);
  } catch {
    return undefined;
  }
}

async function readCertificate(files: Files, path: string) {
  const pem = await files.read(path);
  if (pem === undefined) return undefined;
  try {
    const [leaf] = certificatesFromPem(pem);
    return leaf === undefined ? undefined : { certificate: pem.toString('utf8'), leaf, ...describeCertificate(leaf) };
  } catch {
    // Damaged by somebody else: replaced like a missing one.
    return undefined;
  }
}

/** Whether what is on disk is what would be issued now: same names, same key, by an authority of today, not yet due. */
function fits(
  found: ReturnType<typeof describeCertificate> & { leaf: Buffer },
  order: CertificateOrder,
  authorities: Authorities,
  now: Date,
): boolean {
  const names = (of: Pick<CertificateOrder, 'dnsNames' | 'ipAddresses'>) => [...of.dnsNames, ...of.ipAddresses].join();
  return (
    found.spiffeId !== undefined &&
    formatSpiffeId(found.spiffeId) === formatSpiffeId(order.spiffeId) &&
    names(found) === names(order) &&
    found.fingerprint === keyFingerprint(order.publicKey) &&
    !isDue(found, now) &&
    isTrusted(found.leaf, order, authorities, now)
  );
}

function isTrusted(leaf: Buffer, { role }: CertificateOrder, authorities: Authorities, now: Date): boolean {
  try {
    verifyChain([leaf], { anchors: [authorities.active(role).certificate], role, now });
    return true;
  } catch {
    return false;
  }
}
