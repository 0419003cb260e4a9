import { isTorchpassError, type TorchpassError } from '@torchpass/core';
import { isNamedIssuer, isSignedBy, readCertificate, serialText, type Certificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import { keyFingerprint } from './keys.ts';
import { checkAuthorityProfile, checkLeafProfile, checkRootProfile } from './profile-check.ts';
import type { Role } from './profiles.ts';
import type { SpiffeId } from './spiffe.ts';

export interface VerifiedPeer {
  /** Lower-case hex. */
  serial: string;
  spiffeId: SpiffeId;
  /** Lower-case hex SHA-256 of the public key. */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
  /** DER of the issuing authority. */
  issuer: Buffer;
}

export interface VerifyOptions {
  /** DER of the trusted roots, or of the trusted issuing authorities. */
  anchors: readonly Uint8Array[];
  /** The only kind of peer that is expected here. */
  role: Role;
  /** Undefined: validity in time is the caller's business. */
  now: Date | undefined;
}

/** Leaf, authority, root; and room for the same authority under two roots during a rotation. */
const LONGEST_CHAIN = 6;

const LEAF: Origin = { code: 'CERTIFICATE_UNTRUSTED', claim: 'The certificate is not trusted' };
const AUTHORITY: Origin = { code: 'CERTIFICATE_UNTRUSTED', claim: 'The authority of the certificate is not trusted' };
const ANCHOR: Origin = { code: 'CERTIFICATE_UNTRUSTED', claim: 'A trust anchor is not valid' };

/**
 * Verifies leaf, issuing authority and root (RFC 5280, 6.1, cut down to the one shape that Torchpass has), and that all
 * three are for `role` and of one trust domain. `chain` is DER, leaf first; it may include the root, which
 * counts only when it is an anchor. CERTIFICATE_UNTRUSTED with the reason.
 */
export function verifyChain(chain: readonly Uint8Array[], options: VerifyOptions): VerifiedPeer {
  const [first, ...rest] = chain;
  if (first === undefined) throw refusal(LEAF, 'there is none');
  if (chain.length > LONGEST_CHAIN) throw refusal(LEAF, 'its chain is too long');
  const leaf = readCertificate(first, LEAF);
  checkTime(leaf, options.now);
  const spiffeId = checkLeafProfile(leaf, options.role);

  const anchors = options.anchors.map((anchor) => readCertificate(anchor, ANCHOR));
  const offered = rest.map((certificate) => readCertificate(certificate, AUTHORITY));
  const candidates = [...anchors, ...offered].filter((candidate) => isNamedIssuer(candidate, leaf));
  const authority = firstThat(
    candidates,
    (candidate) => checkAuthority(candidate, leaf, spiffeId.trustDomain, anchors, options),
    'its authority is neither in the chain nor trusted by itself',
  );
  return {
    serial: serialText(leaf.serialNumber),
    spiffeId,
    fingerprint: keyFingerprint(leaf.publicKey),
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    issuer: authority.der,
  };
}

function checkAuthority(
  authority: Certificate,
  leaf: Certificate,
  trustDomain: string,
  anchors: readonly Certificate[],
  options: VerifyOptions,
): void {
  if (!isSignedBy(leaf, authority)) throw refusal(LEAF, 'its signature is wrong');
  checkTime(authority, options.now);
  if (checkAuthorityProfile(authority, options.role) !== trustDomain) {
    throw refusal(LEAF, 'its trust domain is not that of its authority');
  }
  if (anchors.some(({ der }) => der.equals(authority.der))) return;
  firstThat(
    anchors.filter((anchor) => isNamedIssuer(anchor, authority)),
    (root) => checkRoot(root, authority, trustDomain, options.now),
    'its chain ends at no trusted root',
  );
}

function checkRoot(root: Certificate, authority: Certificate, trustDomain: string, now: Date | undefined): void {
  if (!isSignedBy(authority, root)) throw refusal(AUTHORITY, 'its signature is wrong');
  // A root may have been picked by the pin of its key alone: then the key must vouch for the rest of it.
  if (!isSignedBy(root, root)) throw refusal(ANCHOR, 'its signature is wrong');
  checkTime(root, now);
  if (checkRootProfile(root) !== trustDomain) throw refusal(AUTHORITY, 'its trust domain is not that of its root');
}

/** The first that passes `check`. When none does, the reason of the last, or `none` when there was nothing to check. */
function firstThat(candidates: readonly Certificate[], check: (one: Certificate) => void, none: string): Certificate {
  let failure: TorchpassError | undefined;
  for (const candidate of candidates) {
    try {
      check(candidate);
      return candidate;
    } catch (error) {
      if (!isTorchpassError(error, 'CERTIFICATE_UNTRUSTED')) throw error;
      failure = error;
    }
  }
  throw failure ?? refusal(LEAF, none);
}

function checkTime({ notBefore, notAfter, origin }: Certificate, now: Date | undefined): void {
  if (now === undefined) return;
  if (now < notBefore) throw refusal(origin, `it is not valid before ${notBefore.toISOString()}`);
  if (now.getTime() >= notAfter.getTime() + 1000) throw refusal(origin, `it ended on ${notAfter.toISOString()}`);
}
