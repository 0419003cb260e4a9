import type { KeyObject } from 'node:crypto';
import { type Clock, systemRandom } from '@torchpass/core';
import {
  certificatesToPem,
  createIssuingAuthority,
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  privateKeyToPem,
  publicKeyInfo,
  type Role,
  signPrepared,
  type Signer,
  softwareSigner,
  type SpiffeId,
} from '@torchpass/pki';

const ROLES = ['controller', 'agent', 'exporter', 'scraper'] as const;
const DAY_MS = 86_400_000;
/** Of every leaf, unless asked otherwise. */
export const LIFETIME_MS = 7 * DAY_MS;
export const TRUST_DOMAIN = 'lab.example';

export interface LeafOptions {
  id: SpiffeId;
  publicKey: Buffer;
  ipAddresses?: string[];
  dnsNames?: string[];
  lifetimeMs?: number;
}

/** The authorities of one installation, as the real controller has them, in memory. */
export interface Installation {
  /** DER. */
  root: Buffer;
  authority: (role: Role) => Buffer;
  /** Puts another authority in the place of the one of this role, as after a theft. */
  giveUp: (role: Role) => Promise<void>;
  /** DER, the leaf and its authority. */
  issue: (options: LeafOptions) => Promise<Buffer[]>;
  /** A certificate with a fresh key, PEM; `withRoot` adds the root to the chain. */
  pair: (id: SpiffeId, withRoot?: boolean) => Promise<{ certificate: string; key: string }>;
}

export async function createInstallation(clock: Clock, lifetimeMs = LIFETIME_MS): Promise<Installation> {
  const valid = (life: number) => {
    const now = clock.now().getTime();
    return { notBefore: new Date(now - 60_000), notAfter: new Date(now + life) };
  };
  const serialNumber = () => newSerialNumber(systemRandom);
  const rootSigner = softwareSigner(await generatePrivateKey());
  const common = { trustDomain: TRUST_DOMAIN, ...valid(3650 * DAY_MS) };
  const root = await createRoot({ ...common, signer: rootSigner, serialNumber: serialNumber() });
  const authorities = new Map<Role, { certificate: Buffer; signer: Signer }>();
  const makeAuthority = async (role: Role) => {
    const signer = softwareSigner(await generatePrivateKey());
    const { publicKey } = signer;
    const certificate = await createIssuingAuthority({
      ...common,
      role,
      root,
      rootSigner,
      publicKey,
      serialNumber: serialNumber(),
    });
    authorities.set(role, { certificate, signer });
  };
  for (const role of ROLES) await makeAuthority(role);
  const of = (role: Role) => {
    const authority = authorities.get(role);
    if (authority === undefined) throw new Error(`no authority for ${role}`);
    return authority;
  };

  const issue: Installation['issue'] = async ({ id, publicKey, ipAddresses = [], dnsNames = [], lifetimeMs: life }) => {
    const { certificate, signer } = of(id.kind);
    const prepared = prepareLeaf(
      { role: id.kind, certificate },
      {
        role: id.kind,
        spiffeId: id,
        dnsNames,
        ipAddresses,
        publicKey,
        serialNumber: serialNumber(),
        ...valid(life ?? lifetimeMs),
      },
    );
    return [await signPrepared(prepared, signer), certificate];
  };

  return {
    root,
    authority: (role) => of(role).certificate,
    issue,
    giveUp: makeAuthority,
    async pair(id, withRoot = false) {
      const key: KeyObject = await generatePrivateKey();
      const names = id.kind === 'exporter' ? { ipAddresses: ['127.0.0.1'] } : {};
      const chain = await issue({ id, publicKey: publicKeyInfo(key), ...names });
      return { certificate: certificatesToPem(withRoot ? [...chain, root] : chain), key: privateKeyToPem(key) };
    },
  };
}
