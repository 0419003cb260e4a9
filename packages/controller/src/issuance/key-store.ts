import { generatePrivateKey, softwareSigner, type Role, type Sealing, type Signer } from '@torchpass/pki';

/** A private key of an authority that was just made. */
export interface NewKey {
  /** One line of text for `authorities.key_reference`: the sealed key itself. */
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
  /** KEY_SEAL_BROKEN when the reference is damaged or of another authority. */
  open(reference: string, id: string): Promise<Signer>;
  /** After the authority's row has lost the reference for good; a key that is gone already is fine. */
  destroy(reference: string): Promise<void>;
}

interface Options {
  sealing: Sealing;
  /** Tests put themselves between. */
  wrapSigner?: ((signer: Signer) => Signer) | undefined;
}

export function createKeyStore({ sealing, wrapSigner = (signer) => signer }: Options): KeyStore {
  return {
    async create({ id }) {
      const key = await generatePrivateKey();
      return { reference: sealing.seal(key, contextOf(id)), signer: wrapSigner(softwareSigner(key)) };
    },
    open: async (reference, id) => wrapSigner(softwareSigner(sealing.unseal(reference, contextOf(id)))),
    // A sealed key is its reference: it is gone with the row.
    destroy: () => Promise.resolve(),
  };
}

function contextOf(authorityId: string): string {
  return `authority ${authorityId}`;
}
