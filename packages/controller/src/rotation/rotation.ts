import { reasonOf, TorchpassError, type Logger, type Turns } from '@torchpass/core';
import type { AuthorityList, RotateRequest, RotationView } from '../api/types.ts';
import { CONTROLLER_ITSELF, type Actor } from '../audit/actor.ts';
import { ROLES } from '../issuance/authorities.ts';
import { listFrom, toJson } from '../store/json.ts';
import type { Queries } from '../store/store.ts';
import { blockersOf, clockBlocker, type Gates } from './blockers.ts';
import { createClockDoubt } from './clock-doubt.ts';
import { createDistribution } from './distribution.ts';
import { isNearEnd, type DuePolicy } from './due.ts';
import { idsOf } from './left-behind.ts';
import { createPreparation, type PreparationTools } from './preparation.ts';
import { createNoticing } from './noticing.ts';
import { nextStep, readSituation, type AuthorityRole, type RotationRow, type Situation } from './situation.ts';
import { abort, activate, drop, finish, type Transition } from './transitions.ts';
import { authorityViews, rotationView } from './views.ts';

export interface RotationTools extends PreparationTools, Gates {
  distribution: Omit<Parameters<typeof createDistribution>[0], 'store' | 'clock' | 'authentic'>;
  /** When an issuing authority is rotated by itself. */
  due: Record<(typeof ROLES)[number], DuePolicy>;
  rootDue: DuePolicy;
  /** Writes what Prometheus reads, after a step. */
  settle: () => Promise<void>;
  /** Who changes authorities takes a turn under `AUTHORITIES`. */
  turns: Turns;
  logger: Logger;
}

/** Rotations and the giving up of keys follow each other. */
export const AUTHORITIES = 'authorities';

export const AUTHORITY_ROLES = ['root', ...ROLES] as const;

/** Rotation of authorities: see docs/adr/0017. */
export function createRotation(tools: RotationTools) {
  const { store, authorities, audit, clock, logger, turns } = tools;
  const { authentic } = authorities;
  const preparation = createPreparation(tools);
  const note = createDistribution({ store, authentic, clock, ...tools.distribution });
  const doubt = createClockDoubt(tools);
  const noticing = createNoticing(tools);
  const alone = <T>(work: () => Promise<T>) => turns.take(AUTHORITIES, work);
  /** By role: logged when a failure begins or becomes another. */
  const failures = new Map<AuthorityRole, string>();

  const blockers = (situation: Situation) => blockersOf(store, situation, tools, clock.now());
  const viewOf = async (role: AuthorityRole): Promise<RotationView | undefined> => {
    const situation = await readSituation(store, role, authentic);
    if (situation.rotation === undefined) return undefined;
    const until = situation.rotation.mode === 'auto' ? doubt.until() : undefined;
    const held = until === undefined ? [] : [clockBlocker('jumped', until)];
    return rotationView(situation, [...held, ...(await blockers(situation))]);
  };

  const list = async (): Promise<AuthorityList> => {
    const rotations: RotationView[] = [];
    for (const role of AUTHORITY_ROLES) {
      const view = await viewOf(role);
      if (view !== undefined) rotations.push(view);
    }
    return { authorities: await authorityViews(store), rotations };
  };

  return {
    list,

    /** What an operator asks for. `ROTATION_BLOCKED` when a single step cannot be taken. */
    rotate: (role: AuthorityRole, request: RotateRequest, by: Actor): Promise<AuthorityList> =>
      alone(async () => {
        if (request.action === 'abort') await goBack(role, by);
        else await go(role, request, by);
        return list();
      }),

    /**
     * Takes every step whose gate is open, and starts what is due. For upkeep: cheap when nothing is under way. A role that
     * fails does not keep the others waiting; the first error is thrown at the end.
     */
    advance: (): Promise<void> =>
      alone(() =>
        noticing(async () => {
          await authorities.checkRows();
          if (await doubt.look()) return;
          const errors = new Map<AuthorityRole, unknown>();
          await startDue(errors);
          const rotations = await store.selectFrom('rotations').select('role').where('mode', '=', 'auto').execute();
          // Somebody else may have changed them: an import beside the running controller.
          if (rotations.length > 0) await authorities.reload();
          for (const { role } of rotations) await attempt(role, errors, () => goOn(role, CONTROLLER_ITSELF));
          for (const role of AUTHORITY_ROLES) if (!errors.has(role)) failures.delete(role);
          for (const error of errors.values()) throw error;
        }),
      ),

    /** How many hosts, tokens and others each rotation waits for. */
    async waiting(): Promise<Map<AuthorityRole, number>> {
      const rows = await store.selectFrom('rotations').select('role').execute();
      const counts = new Map<AuthorityRole, number>();
      for (const { role } of rows) {
        const situation = await readSituation(store, role, authentic).catch(() => undefined);
        // What cannot even be looked at goes nowhere.
        const count =
          situation === undefined
            ? 1
            : await blockers(situation).then(
                ({ length }) => length,
                () => 1,
              );
        counts.set(role, count);
      }
      return counts;
    },
  };

  async function attempt(role: AuthorityRole, errors: Map<AuthorityRole, unknown>, work: () => Promise<void>) {
    try {
      await work();
    } catch (error) {
      errors.set(role, error);
      if (failures.get(role) !== reasonOf(error)) logger.error('rotation failed', { role, error });
      failures.set(role, reasonOf(error));
    }
  }

  async function go(role: AuthorityRole, request: RotateRequest, by: Actor): Promise<void> {
    const mode = request.action === 'step' ? 'step' : 'auto';
    const { rotation } = await readSituation(store, role, authentic);
    const leftBehind = await idsOf(store, request.leaveBehind);
    if (rotation === undefined) {
      await start({ role, mode, reason: request.reason, leftBehind }, by);
      if (mode === 'auto') await goOn(role, by);
      return;
    }
    await changeRotation(store, { ...rotation, mode });
    await leaveBehind(role, leftBehind, request.force, by);
    if (mode === 'auto') return goOn(role, by);
    if (!(await takeStep(role, by))) throw blocked(await readSituation(store, role, authentic));
  }

  function blocked({ role, ...situation }: Situation): TorchpassError {
    return new TorchpassError(
      'ROTATION_BLOCKED',
      `The step "${nextStep({ role, ...situation })}" of the ${role} authority has to wait.`,
      {
        hint: '"torchpass ca list" says for whom; --leave-behind NAME or --force goes on without them.',
      },
    );
  }

  interface Start {
    role: AuthorityRole;
    mode: RotationRow['mode'];
    reason: string;
    leftBehind: readonly string[];
  }

  /**
   * The first step: key and draft are made, and on record before anything is signed. It goes on with what is there already: a
   * `scraper revoke` that was broken off leaves a draft, or an authority that is prepared.
   */
  async function start({ role, mode, reason, leftBehind }: Start, by: Actor): Promise<void> {
    const there = await readSituation(store, role, authentic);
    const isThere = there.draft !== undefined || there.prepared !== undefined;
    const draft = isThere ? undefined : await preparation.draft(role);
    const started_at = clock.now().toISOString();
    await store.transaction().execute(async (transaction) => {
      const row = authentic.seal('rotations', { role, mode, reason, left_behind: toJson(leftBehind), started_at });
      await transaction.insertInto('rotations').values(row).execute();
      await audit.record(transaction, { event: 'rotation.started', by, subject: role, details: { mode, reason } });
      if (draft !== undefined) await preparation.reserve(transaction, draft, by);
    });
    logger.info('rotation started', { role, reason: reason === '' ? undefined : reason });
    await takeStep(role, by);
  }

  async function goOn(role: AuthorityRole, by: Actor): Promise<void> {
    while (await takeStep(role, by));
    if (role === 'root') await rotateUnderNewRoot(by);
  }

  /** Answers whether it could be taken. */
  async function takeStep(role: AuthorityRole, by: Actor): Promise<boolean> {
    const before = await readSituation(store, role, authentic);
    if (before.rotation === undefined) return false;
    if (await note(before)) await authorities.reload();
    const situation = await readSituation(store, role, authentic);
    if ((await blockers(situation)).length > 0) return false;
    const step = nextStep(situation);
    if (step === 'sign' && situation.draft !== undefined) await preparation.sign(situation.draft, by);
    else if (!(await change(role, TRANSITIONS[step], by, true))) return false;
    await stepTaken(role, step);
    return true;
  }

  /** The gate is asked once more inside the transaction that takes the step. */
  async function change(
    role: AuthorityRole,
    transition: Transition | undefined,
    by: Actor,
    gated: boolean,
  ): Promise<boolean> {
    if (transition === undefined) return false;
    const now = clock.now();
    const references = await store.transaction().execute(async (transaction) => {
      const situation = await readSituation(transaction, role, authentic);
      if (gated && TRANSITIONS[nextStep(situation)] !== transition) return undefined;
      if (gated && (await blockersOf(transaction, situation, tools, now)).length > 0) return undefined;
      return transition(transaction, situation, { audit, authentic, by, now });
    });
    for (const reference of references ?? []) await authorities.keys.destroy(reference);
    return references !== undefined;
  }

  async function stepTaken(role: AuthorityRole, step: string): Promise<void> {
    await authorities.reload();
    logger.info('rotation: step taken', { role, step });
    // What cannot be written now is tried again, and shown, by upkeep.
    await tools.settle().catch(() => undefined);
  }

  async function goBack(role: AuthorityRole, by: Actor): Promise<void> {
    await change(role, abort, by, false);
    await stepTaken(role, 'abort');
    if ((await readSituation(store, role, authentic)).rotation?.mode === 'auto') await goOn(role, by);
  }

  /** A rotation of the root by itself rotates what the old one issued, too. */
  async function rotateUnderNewRoot(by: Actor): Promise<void> {
    const { rotation, retiring, ...situation } = await readSituation(store, 'root', authentic);
    if (
      rotation?.mode !== 'auto' ||
      retiring === undefined ||
      nextStep({ ...situation, rotation, retiring }) !== 'drop'
    )
      return;
    for (const role of ROLES) {
      const under = await readSituation(store, role, authentic);
      if (under.rotation !== undefined || under.active.issued_by !== retiring.id) continue;
      const leftBehind = listFrom(rotation.left_behind);
      await start({ role, mode: 'auto', reason: 'a new root', leftBehind }, by);
      await goOn(role, by);
    }
  }

  async function leaveBehind(role: AuthorityRole, named: readonly string[], force: boolean, by: Actor): Promise<void> {
    const situation = await readSituation(store, role, authentic);
    const waitedFor = force ? await blockers(situation) : [];
    const forced = waitedFor.filter(({ kind }) => kind === 'host' || kind === 'token').map(({ id }) => id);
    const added = [...new Set([...named, ...forced])];
    if (added.length === 0) return;
    const left_behind = toJson([...new Set([...listFrom(situation.rotation?.left_behind ?? '[]'), ...added])]);
    await store.transaction().execute(async (transaction) => {
      if (situation.rotation !== undefined) await changeRotation(transaction, { ...situation.rotation, left_behind });
      await audit.record(transaction, { event: 'rotation.left_behind', by, subject: role, details: { ids: added } });
    });
  }

  async function changeRotation(queries: Queries, row: RotationRow): Promise<void> {
    await queries.updateTable('rotations').set(authentic.seal('rotations', row)).where('role', '=', row.role).execute();
  }

  /** Before the end of an authority, and of the root in time for what it issues. */
  async function startDue(errors: Map<AuthorityRole, unknown>): Promise<void> {
    const now = clock.now();
    let rootDue = false;
    await attempt('root', errors, async () => {
      const root = authorities.activeRoot();
      // Who keeps the root's key elsewhere decides about the next root, too.
      rootDue = root.keyReference !== '' && isNearEnd(root, tools.rootDue, now);
      if (rootDue) await startNow('root');
    });
    // A successor could not live longer than the root: then that is what has to be rotated.
    if (rootDue || errors.has('root')) return;
    for (const role of ROLES) {
      await attempt(role, errors, async () => {
        const active = authorities.active(role);
        if (!isNearEnd(active, tools.due[role], now)) return;
        if (active.notAfter < authorities.activeRoot().notAfter) await startNow(role);
      });
    }
  }

  async function startNow(role: AuthorityRole): Promise<void> {
    const { rotation } = await readSituation(store, role, authentic);
    if (rotation !== undefined) return;
    await start({ role, mode: 'auto', reason: 'its end is near', leftBehind: [] }, CONTROLLER_ITSELF);
  }
}

const TRANSITIONS: Readonly<Record<string, Transition | undefined>> = { activate, drop, finish };

export type Rotation = ReturnType<typeof createRotation>;
