import { certificatesDigest } from '@torchpass/pki';
import { listFrom } from '../store/json.ts';
import type { Queries } from '../store/store.ts';
import { distributedAt } from './distribution.ts';
import {
  notAdmitting,
  notPinning,
  notSeenSince,
  notServing,
  withoutIdentityOf,
  withoutRoots,
  type Holdout,
} from './holdouts.ts';
import { nextStep, type AuthorityRole, type AuthorityRow, type Situation } from './situation.ts';

/** What keeps a rotation from its next step. */
export interface Blocker {
  kind: 'host' | 'token' | 'authority' | 'prometheus' | 'controller' | 'signature';
  /** Of the host, token or authority; empty for the others. */
  id: string;
  /** As people know it. */
  name: string;
  /** A sentence. */
  reason: string;
  /** Of a host. */
  lastSeenAt: string | null;
  /** When it ends by itself. */
  until: string | null;
}

export interface Gates {
  /** How long Prometheus may go on with what it read before. */
  scrapeIntervalMs: number;
}

/** What keeps a role from its next step, without what was left behind; empty: the step may be taken. */
export async function blockersOf(
  queries: Queries,
  situation: Situation,
  { scrapeIntervalMs }: Gates,
  now: Date,
): Promise<Blocker[]> {
  const left = new Set(listFrom(situation.rotation?.left_behind ?? '[]'));
  const found = await gateOf(queries, situation, { scrapeIntervalMs, now });
  return found.filter(({ id }) => !left.has(id));
}

interface Moment extends Gates {
  now: Date;
}

async function gateOf(queries: Queries, situation: Situation, moment: Moment): Promise<Blocker[]> {
  return [...successorsTime(situation, moment.now), ...(await openness(queries, situation, moment))];
}

/** Nothing is given up for an authority whose life has not begun: it was made while the clock was wrong, or it is wrong now. */
function successorsTime(situation: Situation, now: Date): Blocker[] {
  const step = nextStep(situation);
  if (step === 'prepare' || step === 'sign') return [];
  const { not_before } = (step === 'activate' ? situation.prepared : undefined) ?? situation.active;
  const begins = new Date(not_before);
  return begins <= now ? [] : [clockBlocker('before', begins)];
}

/** The clock itself is in the way. */
export function clockBlocker(why: 'before' | 'jumped', until: Date): Blocker {
  const reason = {
    before: 'By the clock of the controller, the life of the new authority has not begun.',
    jumped: 'The clock of the controller jumped; it has to agree with itself for an hour.',
  }[why];
  return nobody('controller', 'clock', reason, until.toISOString());
}

async function openness(queries: Queries, situation: Situation, moment: Moment): Promise<Blocker[]> {
  const { role, active, prepared, retiring } = situation;
  const step = nextStep(situation);
  switch (`${role} ${step}`) {
    case 'exporter activate':
      return prometheusGate(prepared, 'has not read the new exporter authority yet', moment);
    case 'scraper activate':
      return hosts(
        await notAdmitting(queries, await trustDigest(queries, 'scraper')),
        'does not admit the new scraper authority yet',
      );
    case 'root activate':
      return [
        ...hosts(await withoutRoots(queries, await trustDigest(queries, 'root')), 'does not trust the new root yet'),
        ...(await tokens(queries, prepared?.id ?? '', moment.now)),
      ];
    case 'scraper drop': {
      const file = prometheusGate(active, "has not read the scraper's new certificate yet", moment);
      const seen = { since: distributedAt(active, moment.now) ?? moment.now, now: moment.now };
      return [
        ...file,
        ...hosts(await notSeenSince(queries, seen), 'was not seen to admit the new scraper certificate yet'),
      ];
    }
    case 'root drop':
      return issuedBy(queries, retiring?.id ?? '');
    case 'controller finish':
      return ownCertificate(queries, 'controller', active.id);
    case 'agent finish':
      return hosts(await withoutIdentityOf(queries, active.id), 'does not use an identity of the new authority yet');
    case 'exporter finish':
      return hosts(await notServing(queries, active.id), 'was not seen with a certificate of the new authority yet');
    case 'scraper finish':
      return hosts(
        await notAdmitting(queries, await trustDigest(queries, 'scraper')),
        'still admits the old scraper authority',
      );
    case 'root finish':
      return hosts(await withoutRoots(queries, await trustDigest(queries, 'root')), 'still trusts the old root');
    default:
      return step === 'sign' ? signature(queries, situation) : [];
  }
}

/** Of what relying parties have to trust now, as they acknowledge it. Read from the database: the step is taken on what is true there. */
async function trustDigest(queries: Queries, role: AuthorityRole): Promise<string> {
  const rows = await queries
    .selectFrom('authorities')
    .select('certificate')
    .where('role', '=', role)
    .where('state', '!=', 'gone')
    .where('dropped_at', 'is', null)
    .execute();
  return certificatesDigest(rows.map(({ certificate }) => certificate)).toString('hex');
}

function hosts(holdouts: readonly Holdout[], reason: string): Blocker[] {
  return holdouts.map(({ id, name, exporter, lastSeenAt }) => {
    const who = exporter === null ? 'The host' : `The exporter "${exporter}"`;
    return { kind: 'host', id, name, reason: `${who} ${reason}.`, lastSeenAt, until: null };
  });
}

async function tokens(queries: Queries, rootId: string, now: Date): Promise<Blocker[]> {
  const reason = 'The join token pins only the old root: who comes with it would not trust the new one.';
  const found = await notPinning(queries, rootId, now);
  return found.map(({ id, expiresAt }) => ({
    kind: 'token',
    id,
    name: id,
    reason,
    lastSeenAt: null,
    until: expiresAt,
  }));
}

function prometheusGate(row: AuthorityRow | undefined, reason: string, { scrapeIntervalMs, now }: Moment): Blocker[] {
  const since = distributedAt(row, now);
  const until = since === undefined ? null : new Date(since.getTime() + scrapeIntervalMs);
  if (until !== null && until <= now) return [];
  return [nobody('prometheus', 'Prometheus', `Prometheus ${reason}.`, until?.toISOString() ?? null)];
}

async function issuedBy(queries: Queries, rootId: string): Promise<Blocker[]> {
  const rows = await queries
    .selectFrom('authorities')
    .select(['id', 'role'])
    .where('issued_by', '=', rootId)
    .where('state', '!=', 'gone')
    .orderBy('role')
    .execute();
  return rows.map(({ id, role }) => ({
    ...nobody(
      'authority',
      role,
      `The ${role} authority ${id.slice(0, 8)} was issued by the old root; it has to be rotated first.`,
    ),
    id,
  }));
}

async function ownCertificate(queries: Queries, role: 'controller', authorityId: string): Promise<Blocker[]> {
  const newest = await queries
    .selectFrom('certificates')
    .select('authority_id')
    .where('role', '=', role)
    .where('issued_at', 'is not', null)
    .orderBy('issued_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest?.authority_id === authorityId) return [];
  return [
    nobody('controller', 'controller', 'The controller does not serve with a certificate of the new authority yet.'),
  ];
}

async function signature(queries: Queries, { draft, role }: Situation): Promise<Blocker[]> {
  const root = await queries
    .selectFrom('authorities')
    .select('key_reference')
    .where('id', '=', draft?.issued_by ?? '')
    .executeTakeFirst();
  if (role === 'root' || root?.key_reference !== '') return [];
  return [
    nobody(
      'signature',
      role,
      `It waits for a signature of the root, whose key is kept elsewhere: torchpass-controller ca request ${role} --out FILE`,
    ),
  ];
}

function nobody(kind: Blocker['kind'], name: string, reason: string, until: string | null = null): Blocker {
  return { kind, id: '', name, reason, lastSeenAt: null, until };
}
