import { reasonOf } from '@torchpass/core';
import { describeCertificate } from '@torchpass/pki';
import { checkAuthority } from '@torchpass/pki/checker';
import { ROLES } from '../issuance/authorities.ts';
import type { KeyStore } from '../issuance/key-store.ts';
import type { AuthorityTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { error, warning, type Finding } from './finding.ts';
import { timesInOrder } from './times.ts';

interface Tools {
  store: Store;
  keys: KeyStore;
  trustDomain: string;
  now: Date;
}

/** The authorities themselves: profile, chain, key, and that exactly one of each role signs. */
export async function checkAuthorities({ store, keys, trustDomain, now }: Tools): Promise<Finding[]> {
  const rows = await store.selectFrom('authorities').selectAll().orderBy('created_at').execute();
  const found = ['root' as const, ...ROLES].flatMap((role) => oneActive(role, rows));
  for (const row of rows) {
    const subject = subjectOf(row);
    try {
      found.push(
        ...certificateOf(row, rows, trustDomain).map((problem) => error(subject, problem)),
        ...inTime(row, now).map((problem) => error(subject, problem)),
        ...timesInOrder(row, TIMES).map((problem) => warning(subject, problem)),
        ...(await keyOf(row, keys)).map((problem) => error(subject, problem)),
      );
    } catch (reason) {
      found.push(error(subject, `It cannot be read (${reasonOf(reason)}).`));
    }
  }
  return found;
}

const TIMES = ['created_at', 'activated_at', 'retired_at', 'dropped_at', 'gone_at'] as const;

function subjectOf({ role, id }: AuthorityTable): string {
  return role === 'root' ? `root ${id}` : `${role} authority ${id}`;
}

function oneActive(role: AuthorityTable['role'], rows: readonly AuthorityTable[]): Finding[] {
  const active = rows.filter((row) => row.role === role && row.state === 'active');
  if (active.length === 1) return [];
  const what = role === 'root' ? 'root' : `${role} authority`;
  return [error(what, active.length === 0 ? 'None is active.' : `${active.length} are active at once.`)];
}

function certificateOf(row: AuthorityTable, rows: readonly AuthorityTable[], trustDomain: string): string[] {
  const isRoot = row.role === 'root';
  const issuer = isRoot ? row : rows.find(({ id, role }) => id === row.issued_by && role === 'root');
  if (issuer === undefined) return ['The root that issued it is not in the database.'];
  if (isRoot && row.issued_by !== null) return ['It is a root, and noted as issued by another one.'];
  const read = describeCertificate(row.certificate);
  const same = {
    'serial number': read.serial === row.id,
    beginning: read.notBefore.getTime() === wholeSecond(row.not_before),
    end: read.notAfter.getTime() === wholeSecond(row.not_after),
    'to-be-signed part': row.tbs === null || row.certificate.includes(row.tbs),
  };
  const wrong = Object.entries(same).filter(([, isSame]) => !isSame);
  const differences = wrong.map(([what]) => `Its ${what} is not what the database says.`);
  return [...checkAuthority(row.certificate, issuer.certificate, row.role, trustDomain), ...differences];
}

/** Certificates say whole seconds; the rows of the first authorities are finer. */
function wholeSecond(time: string): number {
  return Math.floor(Date.parse(time) / 1000) * 1000;
}

function inTime(row: AuthorityTable, now: Date): string[] {
  if (row.state !== 'active' || new Date(row.not_after) > now) return [];
  return [`It is active, and ended on ${row.not_after}.`];
}

/** That the key is there and is the one of the certificate. A root's may be kept elsewhere; one that is gone has none. */
async function keyOf(row: AuthorityTable, keys: KeyStore): Promise<string[]> {
  const mayBeAway = row.role === 'root' || row.state === 'gone' || row.dropped_at !== null;
  if (row.key_reference === '') return mayBeAway ? [] : ['Its private key is not there.'];
  if (row.state === 'gone') return [];
  const opened = await keys.open(row.key_reference, row.id).catch((reason: unknown) => reasonOf(reason));
  if (typeof opened === 'string') return [`Its private key cannot be opened: ${opened}`];
  const { publicKey } = describeCertificate(row.certificate);
  return opened.publicKey.equals(publicKey) ? [] : ['Its private key is not that of its certificate.'];
}
