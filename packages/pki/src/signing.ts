import { X509Certificate } from 'node:crypto';
import { assembleCertificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import { readPublicKey } from './public-key.ts';
import type { Signer } from './signer.ts';

const SIGNING: Origin = { code: 'LINT_FAILED', claim: 'The certificate was not issued' };

/**
 * The finished DER certificate. A signer is trusted with the key, not with its answer: OpenSSL verifies the signature of
 * the finished certificate with the signer's public key. LINT_FAILED when it is wrong.
 */
export async function signCertificate(tbs: Buffer, signer: Signer): Promise<Buffer> {
  const { key, algorithm } = readPublicKey(signer.publicKey);
  if (algorithm !== signer.algorithm) throw refusal(SIGNING, 'the signer has another kind of key than it says');
  const der = assembleCertificate(tbs, algorithm, await signer.sign(tbs));
  if (!isVerifiedByOpenSsl()) throw refusal(SIGNING, 'the signer gave a wrong signature');
  return der;

  function isVerifiedByOpenSsl(): boolean {
    try {
      return new X509Certificate(der).verify(key);
    } catch (error) {
      throw refusal(SIGNING, 'OpenSSL cannot read what was signed', error);
    }
  }
}
