import { isSignatureOf } from './algorithms.ts';
import { assembleCertificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import { readPublicKey } from './public-key.ts';
import type { Signer } from './signer.ts';

const SIGNING: Origin = { code: 'LINT_FAILED', claim: 'The certificate was not issued' };

/**
 * The finished DER certificate, or revocation list: both are a signed part, an algorithm and a signature. A signer is
 * trusted with the key, not with its answer: the signature is verified with the signer's public key. LINT_FAILED when it
 * is wrong.
 */
export async function signCertificate(tbs: Buffer, signer: Signer): Promise<Buffer> {
  const { key, algorithm } = readPublicKey(signer.publicKey);
  if (algorithm !== signer.algorithm) throw refusal(SIGNING, 'the signer has another kind of key than it says');
  const signature = await signer.sign(tbs);
  if (!isSignatureOf(signature, tbs, key, algorithm)) throw refusal(SIGNING, 'the signer gave a wrong signature');
  return assembleCertificate(tbs, algorithm, signature);
}
