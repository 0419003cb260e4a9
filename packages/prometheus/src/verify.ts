import { isIP } from 'node:net';
import type { X509Certificate } from 'node:crypto';

/** What OpenSSL's verdicts mean to an operator. */
const VERDICTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate, or one of its issuers, has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: compare the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself, not by the exporter authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from another authority',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from another authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from another authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from another authority',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  INVALID_PURPOSE: 'its certificate is not one of a server',
};

export function verdictOf(error: unknown): string {
  const code = error instanceof Error ? error.message : String(error);
  return VERDICTS[code] ?? `its certificate was not accepted (${code})`;
}

/**
 * Why a certificate is not one for `host`, as Go and so Prometheus judge: an IP needs an IP SAN, a name a DNS SAN,
 * where a wildcard stands for one whole label; the common name never counts (RFC 6125, Go's crypto/x509 VerifyHostname).
 */
export function hostMismatch(certificate: X509Certificate, host: string): string | undefined {
  const matched =
    isIP(host) === 0
      ? certificate.checkHost(host, { subject: 'never', partialWildcards: false })
      : certificate.checkIP(host);
  const names = certificate.subjectAltName ?? 'nothing';
  return matched === undefined ? `its certificate is for ${names.slice(0, 200)}, not for ${host}` : undefined;
}
