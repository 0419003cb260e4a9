import { join } from 'node:path';
import { openStore } from '@torchpass/controller';
import { systemClock } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { createTokenRequest } from '../../packages/controller/src/api/types.ts';
import { createScope } from '../harness/scope.ts';
import { testScope } from '../harness/test-scope.ts';
import { live, newStorage } from './deaths.ts';
import { readRemains } from './remains.ts';
import { createServerSide, type ServerSide } from './server-side.ts';
import { OPERATOR } from '../../packages/controller/src/testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NEVER = Number.POSITIVE_INFINITY;

it('wherever the controller dies in an enrolment, a publication and a renewal, the next one finishes', async () => {
  const scope = testScope();
  const { storage, token, trust } = await preparedStorage();
  const deaths: string[] = [];
  for (let n = 1; ; n += 1) {
    const run = createScope();
    const server = await createServerSide(run, trust, token);
    const first = await live(run, storage, n, (mortal) => everything(server, mortal));
    if (first.diedAt !== undefined) {
      deaths.push(first.diedAt);
      await expectNothingUnfounded(first.remains, first.diedAt);
    }
    const last =
      first.diedAt === undefined
        ? first
        : await live(run, first.remains, NEVER, (mortal) => everything(server, mortal));
    await expectOneHost(last.remains, server, first.diedAt ?? 'the end');
    await run.end();
    if (first.diedAt === undefined) break;
  }
  const kinds = new Map<string, number>();
  for (const death of deaths) {
    const [kind = ''] = death.split(' ');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const counts = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
  process.stdout.write(`the controller died ${deaths.length} times: ${counts}\n`);
  // Every kind of step was among them, and the transaction that makes a host was cut in each of its parts.
  for (const part of [
    /^insert into "hosts"/,
    /^insert into "certificates"/,
    /^sign$/,
    /^commit$/,
    /^rename .*node\.json$/,
  ]) {
    expect(deaths.some((death) => part.test(death))).toBe(true);
  }

  async function preparedStorage() {
    const fresh = await newStorage(scope);
    let text = '';
    const { remains } = await live(scope, fresh, NEVER, async ({ controller }) => {
      ({ token: text } = await controller.services.tokens.create(createTokenRequest.parse({}), OPERATOR));
    });
    return { storage: remains, token: text, trust: await trustIn(remains) };
  }
}, 600_000);

async function everything(server: ServerSide, { controller, clock }: Parameters<Parameters<typeof live>[3]>[0]) {
  await server.join(controller.publicAddress);
  clock.advance(1000);
  await server.renew(controller.publicAddress);
}

/** What holds at every moment: nothing is published that was not certified and seen, and the token is used by whom it made. */
async function expectNothingUnfounded(storage: string, death: string): Promise<void> {
  const { targets, exporters, hosts, tokens, uses, mismatched, serials } = await readRemains(storage);
  const seen = exporters.filter((row) => row.seen_serial !== null && serials('exporter').includes(row.seen_serial));
  expect({
    death,
    unfoundedTargets: targets.length - Math.min(targets.length, seen.length),
    hostsWithoutCertificate: hosts.length - Math.min(hosts.length, serials('agent').length),
    uses: uses.length,
    counted: tokens.map((token) => token.uses),
    mismatched,
  }).toEqual({
    death,
    unfoundedTargets: 0,
    hostsWithoutCertificate: 0,
    uses: hosts.length,
    counted: [hosts.length],
    mismatched: [],
  });
}

/** Joined once and renewed once, so no key got two certificates; what the server holds is what the controller knows. */
async function expectOneHost(storage: string, server: ServerSide, death: string): Promise<void> {
  const { serials, ...found } = await readRemains(storage);
  const held = (pair: ServerSide['identity']) => pair?.leaf.serialNumber.toLowerCase();
  const serving = held(server.exporter);
  expect({ death, ...found, identities: serials('agent'), certificates: serials('exporter') }).toMatchObject({
    death,
    hosts: [{ name: 'web-1', state: 'active' }],
    tokens: [{ uses: 1 }],
    uses: [{}],
    unsigned: [],
    mismatched: [],
    identities: [expect.any(String), held(server.identity)],
    certificates: [expect.any(String), serving],
    exporters: [{ seen_serial: serving, published_target: found.targets[0] }],
    targets: [expect.any(String)],
    files: ['node.json'],
  });
}

async function trustIn(storage: string) {
  const store = await openStore({ path: join(storage, 'torchpass.db'), clock: systemClock });
  const [root] = await store.selectFrom('authorities').selectAll().where('role', '=', 'root').execute();
  const { trust_domain: trustDomain } = await store.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
  await store.destroy();
  return { rootsPem: certificatesToPem(root === undefined ? [] : [root.certificate]), trustDomain };
}
