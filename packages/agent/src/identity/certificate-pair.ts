import { createPrivateKey, X509Certificate } from 'node:crypto';
import { TorchpassError } from '@torchpass/core';

/** A certificate with its chain, and the key that belongs to it. */
export interface CertificatePair {
  leaf: X509Certificate;
  /** The leaf, then its issuers. */
  chain: X509Certificate[];
  chainPem: string;
  keyPem: string;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(PEM_CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

export function certificatesFromDer(chain: readonly Uint8Array[]): X509Certificate[] {
  try {
    return chain.map((der) => new X509Certificate(der));
  } catch (error) {
    throw new TorchpassError('PROTOCOL_VIOLATION', 'The controller sent something that is not a certificate.', {
      cause: error,
    });
  }
}

export function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

/** Reads a pair, or undefined when something is missing, unreadable, or key and certificate do not match. */
export function readPair(chainPem: string, keyPem: string): CertificatePair | undefined {
  try {
    const chain = certificatesOf(chainPem);
    const leaf = chain[0];
    if (leaf === undefined || !leaf.checkPrivateKey(createPrivateKey(keyPem))) return undefined;
    return { leaf, chain, chainPem, keyPem };
  } catch {
    return undefined;
  }
}
