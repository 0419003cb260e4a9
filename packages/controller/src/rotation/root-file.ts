import { isTorchpassError, TorchpassError, type Random, type Secret } from '@torchpass/core';
import {
  certificatesFromPem,
  certificatesToPem,
  newSealing,
  openSealing,
  readPublicKeyOf,
  softwareSigner,
  type SealingParameters,
  type Signer,
} from '@torchpass/pki';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';

/** A root whose key is kept elsewhere, as a file: JSON, the key sealed under a passphrase of its own. */
const FORMAT = 'torchpass root key 1';

const rootFile = z.strictObject({
  format: z.literal(FORMAT),
  trustDomain: z.string(),
  /** PEM. */
  certificate: z.string(),
  sealing: z.record(z.string(), z.unknown()),
  key: z.string(),
});

export interface OfflineRoot {
  trustDomain: string;
  /** DER. */
  certificate: Buffer;
  signer: Signer;
}

const CONTEXT = 'root key file';

export async function renderRootFile(
  root: { trustDomain: string; certificate: Buffer; key: KeyObject },
  passphrase: Secret,
  random: Random,
): Promise<string> {
  const { parameters, sealing } = await newSealing(passphrase, random);
  const { trustDomain, certificate, key } = root;
  const content = { trustDomain, certificate: certificatesToPem([certificate]), sealing: parameters };
  return `${JSON.stringify({ format: FORMAT, ...content, key: sealing.seal(key, CONTEXT) }, undefined, 2)}\n`;
}

/** Opens the file, and sees that key and certificate belong together. PASSPHRASE_WRONG, KEY_SEAL_BROKEN, KEY_INVALID. */
export async function openRootFile(text: string, passphrase: Secret): Promise<OfflineRoot> {
  const { trustDomain, sealing, key, certificate: pem } = parse(text);
  const opened = await openSealing(passphrase, sealing as unknown as SealingParameters);
  const signer = softwareSigner(opened.unseal(key, CONTEXT));
  const [certificate] = certificatesFromPem(pem);
  if (certificate === undefined || !readPublicKeyOf(certificate).equals(signer.publicKey)) {
    throw new TorchpassError('KEY_INVALID', 'Key and certificate in the file of the root do not belong together.');
  }
  return { trustDomain, certificate, signer };
}

function parse(text: string): z.output<typeof rootFile> {
  try {
    return rootFile.parse(JSON.parse(text));
  } catch (error) {
    if (isTorchpassError(error)) throw error;
    throw new TorchpassError('KEY_INVALID', 'This is not a file of a root key.', {
      cause: error,
      hint: 'It is the one that "torchpass-controller ca export-root" wrote.',
    });
  }
}
