export type { KeyAlgorithm } from './algorithms.ts';
export {
  checkSignedElsewhere,
  createIssuingAuthority,
  createRoot,
  prepareIssuingAuthority,
  prepareRoot,
  readPublicKeyOf,
  signAuthority,
  signedBy,
  type IssuingAuthorityOptions,
  type RootOptions,
} from './authority.ts';
export { certificatesDigest } from './certificates-digest.ts';
export { REVOCATION_REASONS, signCrl, type CrlContent, type RevocationReason, type RevokedCertificate } from './crl.ts';
export { createCertificateRequest, readCertificateRequest, requestWithSigner, type CertificateRequest } from './csr.ts';
export { describeCertificate, type CertificateDescription } from './describe.ts';
export { P256_PARAMETERS, p256PublicKeyInfo, p256SignatureValue } from './ecdsa-p256.ts';
export type { Issuer } from './issuer.ts';
export { prepareLeaf, signPrepared, type PreparedCertificate } from './issuing.ts';
export {
  fingerprintText,
  generatePrivateKey,
  keyFingerprint,
  privateKeyFromPem,
  privateKeyToPem,
  publicKeyInfo,
} from './keys.ts';
export { certificatesFromPem, certificatesToPem, crlsToPem } from './pem.ts';
export { pinOf } from './pin.ts';
export { ROLES, type LeafRequest, type Role } from './profiles.ts';
export { readPublicKey, type PublicKey } from './public-key.ts';
export { changePassphrase, newSealing, openSealing, type Sealing, type SealingParameters } from './sealing.ts';
export { newSerialNumber } from './serial.ts';
export { softwareSigner, type Signer } from './signer.ts';
export { formatSpiffeId, isTrustDomain, parseSpiffeId, type SpiffeId } from './spiffe.ts';
export { verifyChain, type VerifiedPeer, type VerifyOptions } from './verify.ts';
