import { cpSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { nodeFiles } from '@torchpass/core';
import { crashBefore, ManualClock } from '@torchpass/core/testing';
import type { Signer } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { rotateRequest } from '../../packages/controller/src/api/types.ts';
import { checkCertificates } from '../../packages/controller/src/checks/check-certificates.ts';
import { watchStatements } from '../../packages/controller/src/testing/crash-dialect.ts';
import { joinFleet, type FleetHost } from '../../packages/controller/src/testing/fleet.ts';
import { SERVERS_ALLOWED } from '../../packages/controller/src/testing/host.ts';
import { openLab, type Lab } from '../../packages/controller/src/testing/lab.ts';
import { OPERATOR } from '../../packages/controller/src/testing/operator.ts';
import { temporaryFolder } from '../../packages/controller/src/testing/surroundings.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const CONFIG = {
  ...SERVERS_ALLOWED,
  targets: { check_in_interval: '1s', publish_interval: '0s' },
  prometheus: { scrape_interval: '1s' },
};
/** Reading changes nothing, and what a check-in writes is killed in the other test. */
const OF_A_ROTATION = /^(?:insert into|update|delete from) "(?:authorities|authority_drafts|rotations)"/;
const LONG = process.env['TORCHPASS_LONG'] === '1';
/** Without TORCHPASS_LONG every second one. */
const STRIDE = LONG ? 1 : 2;
const ROLES = LONG ? (['scraper', 'exporter', 'agent', 'root'] as const) : (['scraper', 'exporter', 'agent'] as const);
const ENOUGH_ROUNDS = 40;

async function openAt(folder: string, step: (what: string) => void): Promise<Lab> {
  let touched = false;
  const onStatement = (sql: string) => {
    const matters = OF_A_ROTATION.test(sql) || (touched && sql.startsWith('commit'));
    touched = OF_A_ROTATION.test(sql) || (touched && !sql.startsWith('commit'));
    if (matters) step(sql);
  };
  const wrapSigner = ({ algorithm, publicKey, sign }: Signer): Signer => ({
    algorithm,
    publicKey,
    sign: async (message) => {
      step('sign');
      return sign(message);
    },
  });
  const files = nodeFiles((what, path) => {
    if (what === 'rename') step(`${what} ${path}`);
  });
  return openLab({
    folder,
    clock,
    config: CONFIG,
    files,
    seams: { wrapDialect: watchStatements(onStatement), wrapSigner },
  });
}

const clock = new ManualClock(new Date('2026-01-01T12:00:00Z'));
const never = () => undefined;

async function rounds(lab: Lab, host: FleetHost): Promise<void> {
  for (let round = 0; round < ENOUGH_ROUNDS; round += 1) {
    clock.advance(1000);
    await lab.rotation.advance();
    await lab.prometheusFolder.refresh();
    await host.pass();
    const { rotations } = await lab.services.authorities.list();
    if (rotations.length === 0) return;
  }
}

it.each(ROLES)(
  'wherever the controller dies while the %s authority is rotated, the next one finishes',
  { timeout: 600_000 },
  async (role) => {
    const origin = temporaryFolder();
    const first = await openAt(origin, never);
    await joinFleet(first, 'web-1');
    await first.close();

    const deaths: string[] = [];
    for (let n = 1; ; n += STRIDE) {
      const [folder, remains] = [temporaryFolder(), temporaryFolder()];
      await cp(origin, folder, { recursive: true });
      const death = crashBefore(n);
      const step = (what: string) => {
        const wasAlive = !death.crashed;
        try {
          death.step(what);
        } catch (error) {
          if (wasAlive) cpSync(folder, remains, { recursive: true });
          throw error;
        }
      };
      // A host of its own for each life: what it holds is what this controller gave it.
      const before = await openAt(folder, never);
      const host = await joinFleet(before, 'web-2', '198.51.100.8');
      await before.store.updateTable('hosts').set({ state: 'left' }).where('name', '=', 'web-1').execute();
      await before.store
        .updateTable('exporters')
        .set({ published_target: null })
        .where('published_target', '=', '198.51.100.7:9100')
        .execute();
      await before.close();

      const mortal = await openAt(folder, step);
      host.attach(mortal);
      try {
        await mortal.services.authorities.rotate(role, rotateRequest.parse({}), OPERATOR);
        await rounds(mortal, host);
      } catch (error) {
        if (!death.crashed) throw error;
      }
      await mortal.close();
      if (death.crashed) deaths.push(death.at ?? '');

      const next = await openAt(death.crashed ? remains : folder, never);
      host.attach(next);
      await expectOneActive(next, death.at);
      const { rotations, authorities } = await next.services.authorities.list();
      const isBegun = rotations.length > 0 || authorities.some((one) => one.role === role && one.state === 'gone');
      if (!isBegun) await next.services.authorities.rotate(role, rotateRequest.parse({}), OPERATOR);
      await rounds(next, host);
      await expectRotated(next, role, death.at);
      await next.close();
      if (!death.crashed) break;
    }
    const kinds = deaths.map((death) => death.split(' ').slice(0, 3).join(' '));
    process.stdout.write(`${role}: the controller died ${deaths.length} times: ${[...new Set(kinds)].join(', ')}\n`);
    expect(deaths.length).toBeGreaterThanOrEqual(13 / STRIDE);
  },
);

async function expectOneActive({ store }: Lab, death: string | undefined): Promise<void> {
  const rows = await store.selectFrom('authorities').select(['role', 'state']).where('state', '=', 'active').execute();
  expect({ death, active: rows.map((row) => row.role).toSorted() }).toEqual({
    death,
    active: ['agent', 'controller', 'exporter', 'root', 'scraper'],
  });
}

/** One successor and not two, the old key destroyed, nothing half-done, every certificate as the ledger says. */
async function expectRotated(lab: Lab, role: string, death: string | undefined): Promise<void> {
  const rows = await lab.store
    .selectFrom('authorities')
    .selectAll()
    .where('role', '=', role as 'agent')
    .execute();
  const drafts = await lab.store.selectFrom('authority_drafts').select('id').execute();
  const { rotations } = await lab.services.authorities.list();
  const { findings } = await checkCertificates(lab.store, lab.clock.now());
  const problems = findings.filter(({ severity }) => severity === 'error');
  const published = await lab.store
    .selectFrom('exporters')
    .select('published_target')
    .where('published_target', 'is not', null)
    .execute();
  expect({
    death,
    states: rows
      .map(({ state, key_reference }) => `${state} ${key_reference === '' ? 'without' : 'with'} key`)
      .toSorted(),
    drafts,
    rotations,
    problems,
    published: published.length,
  }).toEqual({
    death,
    states: ['active with key', 'gone without key'],
    drafts: [],
    rotations: [],
    problems: [],
    published: 1,
  });
}
