import { hash } from 'node:crypto';
import { readCertificate } from './certificate.ts';

/** SHA-256 of the SubjectPublicKeyInfo of a DER certificate, as in RFC 7469, 2.4. CERTIFICATE_INVALID. */
export function pinOf(certificate: Uint8Array): Buffer {
  const { publicKey } = readCertificate(certificate, {
    code: 'CERTIFICATE_INVALID',
    claim: 'The certificate is not valid',
  });
  return hash('sha256', publicKey, 'buffer');
}
