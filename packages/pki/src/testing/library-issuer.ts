// oxlint-disable-next-line import/no-unassigned-import -- the library's decorators need it in place
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const DAY_MS = 24 * 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const SANS = [
  { type: 'url', value: 'spiffe://bench.example/exporter/web-1/node' },
  { type: 'ip', value: '198.51.100.7' },
] as const;

/**
 * An exporter authority made of the general library alone, for comparing speed: reads and verifies a DER request, builds the
 * profile of an exporter, signs; gives DER.
 */
export async function libraryIssuer(): Promise<(request: Uint8Array) => Promise<Buffer>> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  const authorityKey = await AuthorityKeyIdentifierExtension.create(keys.publicKey, false, webcrypto);
  return async (der) => {
    const request = new Pkcs10CertificateRequest(Uint8Array.from(der));
    if (!(await request.verify(webcrypto))) throw new Error('a request with a wrong signature');
    const now = Date.now();
    const certificate = await X509CertificateGenerator.create(
      {
        serialNumber: randomBytes(16).toString('hex'),
        issuer: 'CN=exporter authority',
        notBefore: new Date(now - 60_000),
        notAfter: new Date(now + 7 * DAY_MS),
        publicKey: request.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], false),
          new SubjectAlternativeNameExtension([...SANS], true),
          await SubjectKeyIdentifierExtension.create(request.publicKey, false, webcrypto),
          authorityKey,
        ],
      },
      webcrypto,
    );
    return Buffer.from(certificate.rawData);
  };
}
