import { systemRandom } from '@torchpass/core';
import { signMessage, type KeyAlgorithm } from '../algorithms.ts';
import { createIssuingAuthority, createRoot } from '../authority.ts';
import { assembleCertificate } from '../certificate.ts';
import { prepareLeaf, signPrepared } from '../issuing.ts';
import { generatePrivateKey, publicKeyInfo } from '../keys.ts';
import { ROLES, type LeafRequest, type Role } from '../profiles.ts';
import { newSerialNumber } from '../serial.ts';
import { softwareSigner, type Signer } from '../signer.ts';
import type { SpiffeId } from '../spiffe.ts';
import { encodeTbs, type TbsFields } from '../tbs.ts';
import type { KeyObject } from 'node:crypto';

export const DAY_MS = 86_400_000;
export const NOW = new Date('2026-06-01T12:00:00Z');
export const DOMAIN = 'metrics.example.org';

export const IDENTITIES: Record<Role, SpiffeId> = {
  controller: { trustDomain: DOMAIN, kind: 'controller' },
  agent: { trustDomain: DOMAIN, kind: 'agent', host: 'web1' },
  exporter: { trustDomain: DOMAIN, kind: 'exporter', host: 'web1', name: 'node' },
  scraper: { trustDomain: DOMAIN, kind: 'scraper', name: 'prometheus' },
};

export interface Authority {
  role: Role;
  certificate: Buffer;
  signer: Signer;
}

/** One installation: a root and its four authorities. */
export interface World {
  root: Buffer;
  rootKey: KeyObject;
  rootSigner: Signer;
  authorities: Record<Role, Authority>;
}

export async function makeWorld(
  algorithm: KeyAlgorithm = 'ecdsa-p256',
  trustDomain = DOMAIN,
  now = NOW,
): Promise<World> {
  const rootKey = await generatePrivateKey(algorithm);
  const rootSigner = softwareSigner(rootKey);
  const notBefore = new Date(now.getTime() - DAY_MS);
  const root = await createRoot({
    trustDomain,
    signer: rootSigner,
    serialNumber: newSerialNumber(systemRandom),
    notBefore,
    notAfter: new Date(now.getTime() + 3650 * DAY_MS),
  });
  const made = await Promise.all(
    ROLES.map(async (role) => {
      const signer = softwareSigner(await generatePrivateKey(algorithm));
      const certificate = await createIssuingAuthority({
        role,
        trustDomain,
        root,
        rootSigner,
        publicKey: signer.publicKey,
        serialNumber: newSerialNumber(systemRandom),
        notBefore,
        notAfter: new Date(now.getTime() + 365 * DAY_MS),
      });
      return { role, certificate, signer };
    }),
  );
  const [controller, agent, exporter, scraper] = made;
  if (!controller || !agent || !exporter || !scraper) throw new Error('four roles');
  return { root, rootKey, rootSigner, authorities: { controller, agent, exporter, scraper } };
}

/** A good request for `role`. */
export async function leafRequest(role: Role, overrides: Partial<LeafRequest> = {}): Promise<LeafRequest> {
  const isDialled = role === 'exporter' || role === 'controller';
  return {
    role,
    spiffeId: IDENTITIES[role],
    dnsNames: isDialled ? ['web1.example.org'] : [],
    ipAddresses: isDialled ? ['198.51.100.7', '2001:db8::7'] : [],
    publicKey: overrides.publicKey ?? publicKeyInfo(await generatePrivateKey()),
    serialNumber: newSerialNumber(systemRandom),
    notBefore: new Date(NOW.getTime() - 60_000),
    notAfter: new Date(NOW.getTime() + 7 * DAY_MS),
    ...overrides,
  };
}

export async function issue(authority: Authority, overrides: Partial<LeafRequest> = {}): Promise<Buffer> {
  const request = await leafRequest(authority.role, overrides);
  return signPrepared(prepareLeaf(authority, request), authority.signer);
}

/** What an attacker with the key of an authority could sign: anything. */
export function forge(fields: TbsFields, extensions: readonly Uint8Array[], key: KeyObject): Buffer {
  const tbs = encodeTbs(fields, extensions);
  return assembleCertificate(tbs, fields.algorithm, signMessage(tbs, key, fields.algorithm));
}
