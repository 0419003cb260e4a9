import * as fc from 'fast-check';
import SqliteDatabase from 'better-sqlite3';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../store/store.ts';
import { newToken } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { verifyLog } from './verify.ts';

/** A log of twenty entries, edited as somebody would who has the file and not the passphrase. */
async function withEdits() {
  const lab = await openLab();
  for (let n = 0; n < 18; n += 1) await newToken(lab, { note: `token ${n}` });
  const key = lab.authorities.sealing.derive('audit log');
  const file = new SqliteDatabase(join(lab.config.storage_path, 'torchpass.db'));
  for (const { name } of file.prepare(`select name from sqlite_master where type = 'trigger'`).all() as {
    name: string;
  }[])
    file.exec(`drop trigger ${name}`);
  file.exec(
    'create temp table kept_log as select * from audit_log; create temp table kept_head as select * from audit_head',
  );
  const restore = () =>
    file.exec(`delete from audit_log; insert into audit_log select * from kept_log;
               delete from audit_head; insert into audit_head select * from kept_head`);
  return { lab, key, file, restore, count: 20 };
}

type Edited = Awaited<ReturnType<typeof withEdits>>;

const FIELDS = ['at', 'event', 'actor', 'subject', 'details', 'mac'] as const;

/** Each edit answers the first number that it touches. */
const EDITS: Record<string, (edited: Edited, a: number, b: number, field: (typeof FIELDS)[number]) => number> = {
  change({ file }, a, _b, field) {
    file.exec(`update audit_log set ${field} = ${field} || 'x' where number = ${a}`);
    return a;
  },
  swap({ file }, a, b) {
    if (a === b) b = (a % 20) + 1;
    file.exec(`update audit_log set number = -1 where number = ${a}; update audit_log set number = ${a} where number = ${b};
               update audit_log set number = ${b} where number = -1`);
    return Math.min(a, b);
  },
  'swap the contents and leave the MACs'({ file }, a, b) {
    if (a === b) b = (a % 20) + 1;
    const details = (n: number) => `(select details || subject from kept_log where number = ${n})`;
    file.exec(
      `update audit_log set subject = ${details(b)} where number = ${a}; update audit_log set subject = ${details(a)} where number = ${b}`,
    );
    return Math.min(a, b);
  },
  delete({ file }, a) {
    file.exec(`delete from audit_log where number = ${a}`);
    return a;
  },
  'delete and close the gap'({ file }, a) {
    file.exec(`delete from audit_log where number = ${a}; update audit_log set number = -number where number > ${a};
               update audit_log set number = -number - 1 where number < 0`);
    return a;
  },
  'delete the beginning'({ file }, a) {
    file.exec(`delete from audit_log where number <= ${a}`);
    return 1;
  },
  'delete the beginning and call it pruned'({ file }, a) {
    file.exec(`update audit_head set pruned_number = ${a}, pruned_mac = (select mac from audit_log where number = ${a});
               delete from audit_log where number <= ${a}`);
    return 20;
  },
  'delete the end'({ file }, a) {
    file.exec(`delete from audit_log where number >= ${a}`);
    return a;
  },
  'delete the end and move the head'({ file }, b) {
    const a = Math.min(b, 19);
    file.exec(
      `delete from audit_log where number > ${a}; update audit_head set number = ${a}, mac = (select mac from audit_log where number = ${a})`,
    );
    return Math.min(a + 1, 20);
  },
  duplicate({ file }, a) {
    file.exec(
      `insert into audit_log select 21, at, event, actor, subject, details, mac from audit_log where number = ${a}`,
    );
    return 21;
  },
  'insert before the beginning'({ file }, a) {
    file.exec(
      `insert into audit_log select -${a}, at, event, actor, subject, details, mac from audit_log where number = 1`,
    );
    return 1;
  },
  'insert in the middle'({ file }, a) {
    file.exec(`update audit_log set number = -number where number >= ${a}; update audit_log set number = 1 - number where number < 0;
               insert into audit_log select ${a}, at, event, actor, 'forged', details, mac from kept_log where number = ${a}`);
    return a;
  },
};

describe('a log that somebody edited', () => {
  let edited: Edited;
  let store: Store;

  it('is always found out, at the first entry that was touched or before it', { timeout: 120_000 }, async () => {
    edited = await withEdits();
    store = edited.lab.store;
    expect(await verifyLog(store, edited.key)).toMatchObject({ entries: 20, fault: undefined });
    const number = fc.integer({ min: 1, max: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(EDITS)),
        number,
        number,
        fc.constantFrom(...FIELDS),
        async (name, a, b, field) => {
          edited.restore();
          const touched = EDITS[name]?.(edited, a, b, field) ?? 0;
          const { fault, entries } = await verifyLog(store, edited.key);
          expect([name, fault]).not.toEqual([name, undefined]);
          expect(fault?.number).toBeLessThanOrEqual(touched === 1 ? Math.max(a, 20) : touched);
          expect(entries).toBeLessThan(21);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the fault', () => {
  it.each([
    ['change', 7, 7, 'changed', 7],
    ['swap', 7, 12, 'reordered', 7],
    ['swap', 7, 8, 'reordered', 7],
    ['delete', 7, 7, 'missing', 7],
    ['delete the beginning', 7, 7, 'missing', 1],
    ['delete the end', 7, 7, 'cut-off', 7],
    ['delete the end and move the head', 7, 7, 'head', 7],
    ['delete the beginning and call it pruned', 7, 7, 'head', 20],
    ['duplicate', 7, 7, 'added', 21],
    ['insert before the beginning', 7, 7, 'added', -7],
  ])('of "%s" (%d, %d) is called %s, at entry %d', async (name, a, b, kind, number) => {
    const edited = await withEdits();
    EDITS[name]?.(edited, a, b, 'details');
    expect((await verifyLog(edited.lab.store, edited.key)).fault).toMatchObject({ kind, number });
  });

  it.each([
    [
      'cut off',
      'delete from audit_log where number > 7; update audit_head set number = 7, mac = (select mac from audit_log where number = 7)',
    ],
    ['wiped', 'delete from audit_log; delete from audit_head'],
  ])('of a log that was %s stays, whatever is done after it', async (_what, statements) => {
    const { lab, key, file } = await withEdits();
    file.exec(statements);
    for (let n = 0; n < 3; n += 1) await newToken(lab);
    expect((await verifyLog(lab.store, key)).fault).toMatchObject({ kind: 'head' });
  });

  it('is not made by entries that come while we walk', async () => {
    const lab = await openLab();
    for (let n = 0; n < 600; n += 1) await lab.refusals.note({ event: 'call.refused', by: OPERATOR, subject: `${n}` });
    await lab.store.transaction().execute(async () => undefined);
    const walking = lab.auditKeeper.verify();
    await newToken(lab);
    expect((await walking).fault).toBeUndefined();
  });

  it('of an older database shows with the head that was noted, and only with it', async () => {
    const lab = await openLab();
    await newToken(lab);
    const noted = lab.services.audit.verify({}).then(({ head }) => head);
    await expect(lab.services.audit.verify({ head: await noted })).resolves.toMatchObject({
      comparable: true,
      fault: null,
    });
    await newToken(lab);
    await expect(lab.services.audit.verify({ head: await noted })).resolves.toMatchObject({ fault: null });
    const older = await noted;
    const later = (await lab.services.audit.verify({})).head;
    const other = await olderCopy(lab, Number(older.split(':')[0]));
    const key = lab.authorities.sealing.derive('audit log');
    const [number, mac = ''] = later.split(':');
    expect((await verifyLog(other, key)).fault).toMatchObject({ kind: 'head' });
    expect((await verifyLog(lab.store, key, { number: Number(number) + 5, mac })).fault).toMatchObject({
      kind: 'older',
    });
    expect((await verifyLog(lab.store, key, { number: 1, mac })).fault).toMatchObject({ kind: 'older', number: 1 });
  });
});

/** What is left when the end is cut off, in a file of its own. */
async function olderCopy(lab: Lab, last: number): Promise<Store> {
  const path = join(lab.folder, 'older.db');
  const file = new SqliteDatabase(join(lab.config.storage_path, 'torchpass.db'));
  file.exec(`vacuum into '${path}'`);
  file.close();
  const copy = new SqliteDatabase(path);
  copy.exec(`drop trigger audit_log_no_delete; delete from audit_log where number > ${last};
             update audit_head set number = ${last}, mac = (select mac from audit_log where number = ${last})`);
  copy.close();
  return openStore({ path, clock: lab.clock });
}
