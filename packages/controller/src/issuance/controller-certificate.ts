import { canonicalIp, isTorchpassError, type Clock, type Files } from '@torchpass/core';
import { certificatesToPem, generatePrivateKey, privateKeyToPem, publicKeyInfo } from '@torchpass/pki';
import type { KeyObject } from 'node:crypto';
import type { Authorities } from './authorities.ts';
import type { CertificateOrder, Issuance, IssuedCertificate } from './issuance.ts';
import { isDue } from './renewal.ts';

/** What the public port serves with: PEM. */
export interface ServerCredentials {
  key: string;
  /** Leaf, its authority, and the root: an agent that has only a pin finds the root here. */
  cert: string;
}

interface Options {
  files: Files;
  /** Where the sealed key is kept. */
  keyPath: string;
  authorities: Authorities;
  issuance: Issuance;
  clock: Clock;
  /** Names and addresses under which agents dial. */
  names: readonly string[];
  lifetimeMs: number;
}

const KEY_CONTEXT = 'controller key';

/**
 * The controller's own server certificate. The key stays the same until an operator revokes its certificate, so that a pin of it
 * stays true; the certificate is made anew at each start and whenever it is due.
 */
export function createControllerCertificate(options: Options) {
  const { files, keyPath, authorities, issuance, clock } = options;
  let current: { issued: IssuedCertificate; credentials: ServerCredentials } | undefined;

  return {
    /** Credentials that are good for a while. The same object until they are renewed. */
    async fresh(): Promise<ServerCredentials> {
      if (current !== undefined && (await isGood(current))) return current.credentials;
      const ips = options.names.map(canonicalIp).filter((ip) => ip !== undefined);
      const order = {
        role: 'controller' as const,
        hostId: null,
        subjectName: '',
        spiffeId: { trustDomain: authorities.trustDomain, kind: 'controller' as const },
        dnsNames: options.names.filter((name) => canonicalIp(name) === undefined),
        ipAddresses: ips,
        lifetimeMs: options.lifetimeMs,
      };
      const { key, issued } = await certify(order);
      const cert = chainPem(issued);
      current = { issued, credentials: { key: privateKeyToPem(key), cert } };
      return current.credentials;
    },
  };

  /** Not due, not revoked, and of the authority and the roots of today. */
  async function isGood({ issued, credentials }: NonNullable<typeof current>): Promise<boolean> {
    const isOfToday = issued.chain[1]?.equals(authorities.active('controller').certificate) === true;
    if (!isOfToday || credentials.cert !== chainPem(issued) || isDue(issued, clock.now())) return false;
    return !(await issuance.isRevoked(issued.serial));
  }

  function chainPem({ chain }: IssuedCertificate): string {
    return certificatesToPem([...chain, ...authorities.roots]);
  }

  /** A certificate for the key that is kept; for a new one when that belongs to a revoked certificate. */
  async function certify(order: Omit<CertificateOrder, 'publicKey'>) {
    const issue = (key: KeyObject) => issuance.renewWithSameKey({ ...order, publicKey: publicKeyInfo(key) });
    const key = await loadKey();
    try {
      return { key, issued: await issue(key) };
    } catch (error) {
      if (!isTorchpassError(error, 'KEY_REUSED')) throw error;
      const fresh = await makeKey();
      return { key: fresh, issued: await issue(fresh) };
    }
  }

  async function loadKey(): Promise<KeyObject> {
    const sealed = await files.read(keyPath);
    if (sealed !== undefined) return authorities.sealing.unseal(sealed.toString('utf8'), KEY_CONTEXT);
    return makeKey();
  }

  async function makeKey(): Promise<KeyObject> {
    const key = await generatePrivateKey();
    await files.write(keyPath, { data: authorities.sealing.seal(key, KEY_CONTEXT), mode: 0o600 });
    return key;
  }
}
