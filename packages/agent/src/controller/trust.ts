import type { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { X509Certificate as Certificate } from 'node:crypto';
import { type Clock, isTorchpassError, TorchpassError } from '@torchpass/core';
import {
  certificatesFromPem,
  describeCertificate,
  formatSpiffeId,
  type SpiffeId,
  type VerifiedPeer,
  verifyChain,
} from '@torchpass/pki';

/** By what a controller is known. */
export interface ControllerTrust {
  /** PEM. */
  rootsPem: string;
  /** SPIFFE trust domain. */
  trustDomain: string;
}

/** RFC 5280 allows longer ones; ours have three. */
const LONGEST_CHAIN = 8;

/** What a peer showed, leaf first. Node.js links each certificate to its issuer, a root to itself. */
export function peerChain(peer: PeerCertificate | DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: PeerCertificate | DetailedPeerCertificate | undefined = peer;
  while (current?.raw !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(new Certificate(current.raw));
    const issuer: DetailedPeerCertificate | undefined =
      'issuerCertificate' in current ? current.issuerCertificate : undefined;
    current = issuer === current ? undefined : issuer;
  }
  return chain;
}

/**
 * Demands the controller of this trust domain, issued by the controller authority of one of the roots. Its host name and
 * address are not looked at: they may change, and who holds the key of the certificate does not.
 *
 * Errors: CERTIFICATE_UNTRUSTED.
 */
export function checkController(
  chain: readonly X509Certificate[],
  trust: ControllerTrust,
  name: string,
  clock: Clock,
): void {
  const now = clock.now();
  const verified = (at: Date | undefined): VerifiedPeer =>
    verifyChain(
      chain.map(({ raw }) => raw),
      { anchors: certificatesFromPem(trust.rootsPem), role: 'controller', now: at },
    );
  let peer: VerifiedPeer;
  try {
    peer = verified(now);
  } catch (error) {
    if (onlyTimeIsWrong(() => verified(undefined))) throw outOfTime(name, now, error);
    throw untrusted(name, isTorchpassError(error) ? error.message : 'its certificate cannot be read.', error);
  }
  if (peer.spiffeId.kind === 'controller' && peer.spiffeId.trustDomain === trust.trustDomain) return;
  throw untrusted(
    name,
    `it is ${formatSpiffeId(peer.spiffeId)}, not the controller of ${trust.trustDomain}.`,
    undefined,
  );
}

function onlyTimeIsWrong(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

/** Not an impostor by the look of it: a clock that is wrong, or a controller that did not renew. */
export function outOfTime(name: string, now: Date, cause: unknown): TorchpassError {
  return new TorchpassError(
    'CERTIFICATE_UNTRUSTED',
    `The certificate of the controller at ${name} is not valid by this machine's clock (${now.toISOString()}).`,
    { cause, hint: 'Check the clock, here and on the controller. Nothing secret was sent.' },
  );
}

function untrusted(name: string, why: string, cause: unknown): TorchpassError {
  return new TorchpassError('CERTIFICATE_UNTRUSTED', `What answers at ${name} is not this host's controller: ${why}`, {
    cause,
    hint: 'Check the address. Nothing secret was sent.',
  });
}

/**
 * Checks a certificate that the controller has issued to us, before it is put to use: its chain, for whom it is, for which
 * key, and that it is valid now. Errors: PROTOCOL_VIOLATION.
 */
export function checkIssued(
  chain: readonly X509Certificate[],
  expected: { rootsPem: string; id: SpiffeId; belongs: (leaf: X509Certificate) => boolean; now: Date },
): X509Certificate {
  const leaf = chain[0];
  const id = formatSpiffeId(expected.id);
  const wrong = (why: string, cause?: unknown) =>
    new TorchpassError('PROTOCOL_VIOLATION', `The controller sent a certificate that is not usable as ${id}: ${why}`, {
      cause,
      hint: 'Nothing was changed. If the clock of this machine is right, look at the log of the controller.',
    });
  if (leaf === undefined) throw wrong('it is missing.');
  let peer: VerifiedPeer;
  try {
    peer = verifyChain(
      chain.map(({ raw }) => raw),
      {
        anchors: certificatesFromPem(expected.rootsPem),
        role: expected.id.kind,
        now: expected.now,
      },
    );
  } catch (error) {
    throw wrong(isTorchpassError(error) ? error.message : 'it cannot be read.', error);
  }
  if (formatSpiffeId(peer.spiffeId) !== id) throw wrong(`it is for ${formatSpiffeId(peer.spiffeId)}.`);
  if (!expected.belongs(leaf)) throw wrong('it is for another key.');
  return leaf;
}

/** The names that Prometheus may dial. */
export function namesOf(leaf: X509Certificate): { dnsNames: readonly string[]; ipAddresses: readonly string[] } {
  const { dnsNames, ipAddresses } = describeCertificate(leaf.raw);
  return { dnsNames, ipAddresses };
}
