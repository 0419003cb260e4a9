import { TorchpassError, type Clock, type Random, type Secret } from '@torchpass/core';
import {
  createIssuingAuthority,
  createRoot,
  newSealing,
  newSerialNumber,
  openSealing,
  type Role,
  type Sealing,
  type SealingParameters,
  type Signer,
} from '@torchpass/pki';
import { beginLog } from '../audit/chain.ts';
import { createAuthenticRows, type AuthenticRows } from '../store/authentic-rows.ts';
import type { AuthorityTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { checkAuthorities, refuseReturned } from './authority-check.ts';
import { insertAuthorities, readAuthorityRows, type AuthorityRow } from './authority-rows.ts';
import { createKeyStore, type KeyStore } from './key-store.ts';

/** The issuing authorities, one for each kind of relying party. */
export const ROLES = ['controller', 'agent', 'exporter', 'scraper'] as const satisfies readonly Role[];

/** Certificates are valid from a minute ago, for relying parties whose clock is a little late. */
export const BACKDATE_MS = 60_000;

export interface Authority {
  /** Serial number of its certificate. */
  id: string;
  role: Role;
  certificate: Buffer;
  signer: Signer;
  notBefore: Date;
  notAfter: Date;
  /** Since when it signs. */
  activatedAt: Date;
  /** Since when Prometheus's folder holds what it signed, if a rotation waited for that. */
  distributedAt: Date | undefined;
}

/**
 * The authorities, open for work. The root's key stays sealed: nothing in daily use needs it. What is read through this
 * changes when a rotation takes a step, so nobody keeps a copy.
 */
export interface Authorities {
  trustDomain: string;
  /** DER of those that hosts have to trust. */
  readonly roots: readonly Buffer[];
  readonly rootIds: readonly string[];
  /** Grows when a scraper's key is given up: exporters have to be started for it. */
  readonly restartGeneration: number;
  /** The one that signs now. */
  active(role: Role): Authority;
  /** The one with this id while it may sign what was reserved under it: active or retiring. */
  open(id: string): Authority | undefined;
  /** DER of all that relying parties have to trust. */
  trusted(role: Role): readonly Buffer[];
  /** DER of the authority with this id. */
  certificateOf(id: string): Buffer;
  activeRoot(): Pick<Authority, 'id' | 'certificate' | 'notBefore' | 'notAfter'> & { keyReference: string };
  /** Opens the key of a root. */
  rootSigner(id: string): Promise<Signer>;
  /** Reads them again, after a step of a rotation. What does not belong there is an error, and changes nothing. */
  reload(): Promise<void>;
  /** Whether all rows of authorities are ours. ROW_NOT_AUTHENTIC. */
  checkRows(): Promise<void>;
  /** Tells rows that we wrote from others. */
  authentic: AuthenticRows;
  sealing: Sealing;
  /** Where the private keys of authorities are made, opened and destroyed. */
  keys: KeyStore;
}

export interface NewAuthorities {
  trustDomain: string;
  passphrase: Secret;
  rootLifetimeMs: number;
  issuingLifetimeMs: number;
}

interface Tools {
  store: Store;
  clock: Clock;
  random: Random;
  /** Where to make the keys; sealed in the database when undefined. */
  token?: KeyStore | undefined;
}

/** Whether this storage was initialized. */
export async function hasAuthorities(store: Store): Promise<boolean> {
  return (await store.selectFrom('installation').select('id').executeTakeFirst()) !== undefined;
}

/** Makes root and issuing authorities, all or none. `ALREADY_INITIALIZED` when there are some. */
export async function createAuthorities(
  options: NewAuthorities,
  { store, clock, random, token }: Tools,
): Promise<void> {
  if (await hasAuthorities(store)) {
    throw new TorchpassError('ALREADY_INITIALIZED', 'This storage has its authorities already.');
  }
  const now = clock.now();
  const notBefore = new Date(now.getTime() - BACKDATE_MS);
  const { parameters, sealing } = await newSealing(options.passphrase, random);
  const keys = createKeyStore({ sealing, token });

  const make = async (
    role: 'root' | Role,
    lifetimeMs: number,
    certify: (signer: Signer, serialNumber: Buffer, notAfter: Date) => Promise<Buffer>,
  ) => {
    const serialNumber = newSerialNumber(random);
    const notAfter = new Date(now.getTime() + lifetimeMs);
    const id = serialNumber.toString('hex');
    const { reference, signer } = await keys.create({ id, role });
    const row = {
      id,
      role,
      state: 'active' as const,
      certificate: await certify(signer, serialNumber, notAfter),
      key_reference: reference,
      not_before: notBefore.toISOString(),
      not_after: notAfter.toISOString(),
      created_at: now.toISOString(),
      issued_by: null,
      tbs: null,
      distributed_at: null,
      activated_at: now.toISOString(),
      retired_at: null,
      dropped_at: null,
      gone_at: null,
    };
    return { row, signer };
  };

  const root = await make('root', options.rootLifetimeMs, (signer, serialNumber, notAfter) =>
    createRoot({ trustDomain: options.trustDomain, signer, serialNumber, notBefore, notAfter }),
  );
  const issuing = await Promise.all(
    ROLES.map((role) =>
      make(role, Math.min(options.issuingLifetimeMs, options.rootLifetimeMs), (signer, serialNumber, notAfter) =>
        createIssuingAuthority({
          role,
          trustDomain: options.trustDomain,
          root: root.row.certificate,
          rootSigner: root.signer,
          publicKey: signer.publicKey,
          serialNumber,
          notBefore,
          notAfter,
        }),
      ),
    ),
  );

  await store.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('installation')
      .values({
        id: 1,
        trust_domain: options.trustDomain,
        sealing: JSON.stringify(parameters),
        created_at: now.toISOString(),
      })
      .execute();
    const rows = [root.row, ...issuing.map(({ row }) => ({ ...row, issued_by: root.row.id }))];
    await beginLog(transaction, sealing.derive('audit log'));
    await insertAuthorities(transaction, authenticRows(sealing), rows);
  });
}

/** Opens the authorities with the passphrase. `NOT_INITIALIZED`, `PASSPHRASE_WRONG`, `KEY_SEAL_BROKEN`, `AUTHORITY_MISSING`, `ROW_NOT_AUTHENTIC`. */
export async function openAuthorities(
  store: Store,
  passphrase: Secret,
  { token, wrapSigner }: Pick<Parameters<typeof createKeyStore>[0], 'token' | 'wrapSigner'> = {},
): Promise<Authorities> {
  const installation = await store.selectFrom('installation').selectAll().executeTakeFirst();
  if (installation === undefined) {
    throw new TorchpassError('NOT_INITIALIZED', 'This storage has no authorities yet.', {
      hint: 'Run: torchpass-controller init',
    });
  }
  const sealing = await openSealing(passphrase, JSON.parse(installation.sealing) as SealingParameters);
  const keys = createKeyStore({ sealing, token, wrapSigner });
  const authentic = authenticRows(sealing);
  let known = await readAuthorities(store, keys, authentic);
  const rowOf = (id: string) => {
    const found = known.rows.find((row) => row.id === id);
    if (found !== undefined) return found;
    throw new TorchpassError('AUTHORITY_MISSING', `There is no authority ${id} in the database.`);
  };
  return {
    trustDomain: installation.trust_domain,
    get roots() {
      return trustedOf(known.rows, 'root').map(({ certificate }) => certificate);
    },
    get rootIds() {
      return trustedOf(known.rows, 'root').map(({ id }) => id);
    },
    get restartGeneration() {
      return known.restartGeneration;
    },
    active(role) {
      const authority = known.issuing.find((one) => one.role === role && one.state === 'active');
      if (authority !== undefined) return authority;
      throw new TorchpassError('AUTHORITY_MISSING', `There is no active ${role} authority in the database.`, {
        hint: 'Restore a backup of the storage.',
      });
    },
    open: (id) => known.issuing.find((one) => one.id === id && one.state !== 'prepared'),
    trusted: (role) => trustedOf(known.rows, role).map(({ certificate }) => certificate),
    certificateOf: (id) => rowOf(id).certificate,
    activeRoot() {
      const row = known.rows.find(({ role, state }) => role === 'root' && state === 'active');
      if (row === undefined) throw new TorchpassError('AUTHORITY_MISSING', 'There is no active root in the database.');
      const { id, certificate, key_reference: keyReference } = row;
      return { id, certificate, keyReference, notBefore: new Date(row.not_before), notAfter: new Date(row.not_after) };
    },
    rootSigner: (id) => keys.open(rowOf(id).key_reference, id),
    async reload() {
      const now = await readAuthorities(store, keys, authentic);
      refuseReturned(known.rows, now.rows);
      known = now;
    },
    async checkRows() {
      refuseReturned(known.rows, await readAuthorityRows(store, authentic));
    },
    authentic,
    sealing,
    keys,
  };
}

/** Keys are opened at once, so that damage shows when the program starts. The root's stays sealed. */
async function readAuthorities(store: Store, keys: KeyStore, authentic: AuthenticRows) {
  const rows = await readAuthorityRows(store, authentic);
  const issuing: (Authority & Pick<AuthorityTable, 'state'>)[] = [];
  for (const row of rows) {
    const { id, role, state, certificate } = row;
    if (role === 'root' || state === 'gone' || row.dropped_at !== null) continue;
    const signer = await keys.open(row.key_reference, id);
    const [notBefore, notAfter] = [new Date(row.not_before), new Date(row.not_after)];
    const activatedAt = new Date(row.activated_at ?? row.created_at);
    const distributedAt = row.distributed_at === null ? undefined : new Date(row.distributed_at);
    issuing.push({ id, role, state, certificate, signer, notBefore, notAfter, activatedAt, distributedAt });
  }
  checkAuthorities(rows, issuing);
  const installation = await store.selectFrom('installation').select('restart_generation').executeTakeFirstOrThrow();
  return { rows, issuing, restartGeneration: installation.restart_generation };
}

function authenticRows(sealing: Sealing): AuthenticRows {
  return createAuthenticRows(sealing.derive('database rows'));
}

/** Neither gone nor on its way out of the trust that hosts are given. */
function trustedOf(rows: readonly AuthorityRow[], role: 'root' | Role): AuthorityRow[] {
  return rows.filter((row) => row.role === role && row.state !== 'gone' && row.dropped_at === null);
}

/** Every identity has the trust domain in it: it cannot change by editing a file. */
export function checkTrustDomain(stored: string, configured: string): void {
  if (stored === configured) return;
  throw new TorchpassError(
    'CONFIG_INVALID',
    `trust_domain is "${configured}", but this storage was made for "${stored}".`,
    {
      hint: `Set trust_domain: ${stored}, or choose another storage_path for a new installation.`,
    },
  );
}
