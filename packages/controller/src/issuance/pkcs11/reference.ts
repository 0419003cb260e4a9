import { TorchpassError } from '@torchpass/core';

/** Where a key is, as a PKCS #11 URI (RFC 7512): what `authorities.key_reference` holds instead of a sealed key. */
export interface TokenReference {
  /** Label of the token. */
  token: string;
  /** CKA_ID. */
  id: Buffer;
}

const FORM = /^pkcs11:token=([^;?]+);id=((?:%[0-9a-f]{2})+);type=private$/;

export function isTokenReference(reference: string): boolean {
  return reference.startsWith('pkcs11:');
}

export function formatReference({ token, id }: TokenReference): string {
  return `pkcs11:token=${encodeURIComponent(token)};id=${id.toString('hex').replaceAll(/../g, '%$&')};type=private`;
}

/** KEY_SEAL_BROKEN for what `formatReference` did not write. */
export function parseReference(reference: string): TokenReference {
  const [, token, id] = FORM.exec(reference) ?? [];
  if (token === undefined || id === undefined) {
    throw new TorchpassError('KEY_SEAL_BROKEN', 'The stored place of a private key is damaged.', {
      hint: 'Restore it from a backup.',
    });
  }
  return { token: decodeURIComponent(token), id: Buffer.from(id.replaceAll('%', ''), 'hex') };
}
