import { readCertificate, serialText } from './certificate.ts';
import type { Origin } from './der-reader.ts';
import { ipText } from './ip.ts';
import { keyFingerprint } from './keys.ts';
import { describeName } from './name.ts';
import { parseSpiffeId, type SpiffeId } from './spiffe.ts';

export interface CertificateDescription {
  /** Lower-case hex. */
  serial: string;
  /** Undefined unless there is exactly one URI and it is one of ours. */
  spiffeId: SpiffeId | undefined;
  dnsNames: readonly string[];
  /** Canonical. */
  ipAddresses: readonly string[];
  notBefore: Date;
  notAfter: Date;
  /** Lower-case hex SHA-256 of the public key. */
  fingerprint: string;
  /** For people: `O=Torchpass, OU=exporter, CN=…`. */
  issuerName: string;
  /** DER SubjectPublicKeyInfo, of whatever kind. */
  publicKey: Buffer;
  /** DER of the part that is signed. */
  tbs: Buffer;
}

const ORIGIN: Origin = { code: 'CERTIFICATE_INVALID', claim: 'The certificate is not valid' };

/** What a DER certificate says, also a foreign one. Verifies nothing. CERTIFICATE_INVALID when it cannot be read. */
export function describeCertificate(der: Uint8Array): CertificateDescription {
  const certificate = readCertificate(der, ORIGIN);
  const names = certificate.extensions.subjectAltName();
  const [uri, ...moreUris] = names?.uris ?? [];
  return {
    serial: serialText(certificate.serialNumber),
    spiffeId: uri === undefined || moreUris.length > 0 ? undefined : parseSpiffeId(uri),
    dnsNames: names?.dnsNames ?? [],
    ipAddresses: (names?.addresses ?? []).map(ipText),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    fingerprint: keyFingerprint(certificate.publicKey),
    issuerName: describeName(certificate.issuerName),
    publicKey: certificate.publicKey,
    tbs: certificate.tbs,
  };
}
