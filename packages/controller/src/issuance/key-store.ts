import { TorchpassError } from '@torchpass/core';
import type { KeyObject } from 'node:crypto';
import { generatePrivateKey, softwareSigner, type Role, type Sealing, type Signer } from '@torchpass/pki';
import { isTokenReference } from './pkcs11/reference.ts';

/** A private key of an authority that was just made. */
export interface NewKey {
  /** One line of text for `authorities.key_reference`: the sealed key itself, or where it is (RFC 7512). */
  reference: string;
  signer: Signer;
}

/**
 * Where the private keys of authorities live. Nothing here touches the database: who makes a key stores its reference
 * together with the authority's row.
 */
export interface KeyStore {
  /** Makes a key for the authority whose certificate will have this serial number (lower-case hex). */
  create(authority: { id: string; role: 'root' | Role }): Promise<NewKey>;
  /** KEY_SEAL_BROKEN when the reference is damaged or of another authority. With a token, errors of PKCS11_…. */
  open(reference: string, id: string): Promise<Signer>;
  /** After the authority's row has lost the reference for good; a key that is gone already is fine. */
  destroy(reference: string): Promise<void>;
}

interface Options {
  sealing: Sealing;
  /** New keys are made there when there is one. */
  token?: KeyStore | undefined;
  /** Tests put themselves between. */
  wrapSigner?: ((signer: Signer) => Signer) | undefined;
}

/** Sealed keys, keys in a token, or some of each: the reference says which, so that an installation can change by rotating. */
export function createKeyStore({ sealing, token, wrapSigner = (signer) => signer }: Options): KeyStore {
  const sealed = sealedKeys(sealing);
  const storeOf = (reference: string): KeyStore => {
    if (!isTokenReference(reference)) return sealed;
    if (token !== undefined) return token;
    throw new TorchpassError(
      'CONFIG_INVALID',
      'An authority has its key in a PKCS #11 token, and none is configured.',
      {
        hint: 'Set authorities.pkcs11 to the token that it was made in.',
      },
    );
  };
  return {
    async create(authority) {
      const { reference, signer } = await (token ?? sealed).create(authority);
      return { reference, signer: wrapSigner(signer) };
    },
    open: async (reference, id) => wrapSigner(await storeOf(reference).open(reference, id)),
    destroy: async (reference) => storeOf(reference).destroy(reference),
  };
}

/** A sealed private key itself, for keeping it elsewhere. REQUEST_INVALID for one in a token, which does not give it. */
export function unsealForExport(sealing: Sealing, reference: string, id: string): KeyObject {
  if (!isTokenReference(reference)) return sealing.unseal(reference, contextOf(id));
  throw new TorchpassError('REQUEST_INVALID', 'The key is in a PKCS #11 token, which does not give it to anybody.');
}

const contextOf = (authorityId: string) => `authority ${authorityId}`;

function sealedKeys(sealing: Sealing): KeyStore {
  return {
    async create({ id }) {
      const key = await generatePrivateKey();
      return { reference: sealing.seal(key, contextOf(id)), signer: softwareSigner(key) };
    },
    open: async (reference, id) => softwareSigner(sealing.unseal(reference, contextOf(id))),
    // A sealed key is its reference: it is gone with the row.
    destroy: () => Promise.resolve(),
  };
}
