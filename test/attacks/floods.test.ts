import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeyObject } from 'node:crypto';
import { createCertificateRequest } from '@torchpass/pki';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTokens } from '../harness/admin.ts';
import { callController, enrolment, newKey, pairOf, trustOf } from '../harness/caller.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { get } from '../harness/http.ts';
import { start } from '../harness/processes.ts';
import { createScope, type Scope } from '../harness/scope.ts';
import { suiteScope } from '../harness/test-scope.ts';
import { FLOODS } from './programs/floods.ts';

/**
 * Attack: strangers flood the public port with connections, half-open TLS, handshakes, garbage, wrong tokens, giant messages, frames.
 * Defence: shares and turns that strangers cannot take from hosts; bounded sizes, times and numbers of everything.
 * Lives in: packages/controller/src/grpc/public-port.ts, grpc/handshakes.ts, grpc/methods.ts, limits/lanes.ts.
 * Seen to fail: no single removal fails at this size, one defence stands in for another; each has a test beside it that does, in handshakes.test.ts, public-port.test.ts, lanes.test.ts.
 *
 * TORCHPASS_FLOOD_SECONDS makes each flood last longer; docs/operations.md has figures.
 */
const SECONDS = Number(process.env['TORCHPASS_FLOOD_SECONDS'] ?? 1);
const HOSTS = 20;
/** Far above what a renewal takes in a flood, far below the 20 seconds that an agent waits. */
const LATEST_RENEWAL_MS = 8000;
/** A host has a budget of new certificates, twenty a lifetime: with a life of a minute, one in three seconds. */
const BETWEEN_RENEWALS_MS = 3500;
/** Of the whole program, in MiB; about 150 when nothing happens. */
const MOST_MEMORY = 600;

const scope = suiteScope();
const flooder = fileURLToPath(new URL('programs/flooder.ts', import.meta.url));
let controller: LabController;
let trust: Awaited<ReturnType<typeof trustOf>>;
let fleet: Member[];

beforeAll(async () => {
  controller = await startLabController(scope, {
    limits: { rate_factor: 1 },
    certificates: { identity_lifetime: '1m' },
  });
  trust = await trustOf(controller);
  const tokens = await createTokens(controller, HOSTS);
  const client = callController(scope, controller, trust);
  fleet = await Promise.all(
    tokens.map(async (token, index) => {
      const key = await newKey();
      const { certificate } = await client.enroll(enrolment(token, key, `web-${index}`));
      return new Member(pairOf(certificate, key));
    }),
  );
  client.close();
  await Promise.all(fleet.map((member) => member.renew()));
});

/** A host that renews its identity, each time over a new connection with the newest certificate. */
class Member {
  #pair: ReturnType<typeof pairOf>;
  renewals = 0;
  slowest = 0;

  constructor(pair: ReturnType<typeof pairOf>) {
    this.#pair = pair;
  }

  async renew(): Promise<void> {
    const mine: Scope = createScope();
    const started = performance.now();
    try {
      const key: KeyObject = await newKey();
      const request = { certificateRequest: createCertificateRequest(key), purpose: IDENTITY };
      const client = callController(mine, controller, trust, this.#pair);
      this.#pair = pairOf((await client.issueCertificate(request)).certificate, key);
    } finally {
      await mine.end();
    }
    this.renewals += 1;
    this.slowest = Math.max(this.slowest, performance.now() - started);
  }

  /** Throws at the first renewal that fails. */
  async renewUntil(end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      await this.renew();
      await delay(BETWEEN_RENEWALS_MS);
    }
  }
}

const IDENTITY = { $case: 'identity', value: {} } as const;

/** Resident memory of the controller now, in MiB. */
async function memory(): Promise<number> {
  const status = await readFile(`/proc/${controller.process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

async function flood(kinds: readonly string[], atOnce: number) {
  const attackers = start(scope, process.execPath, [
    flooder,
    String(controller.port),
    String(SECONDS),
    String(atOnce),
    ...kinds,
  ]);
  let most = await memory();
  const watch = setInterval(() => void memory().then((now) => (most = Math.max(most, now))), 100);
  for (const member of fleet) Object.assign(member, { renewals: 0, slowest: 0 });
  const end = new AbortController();
  void attackers.exited.then(() => end.abort());
  try {
    await Promise.all(fleet.map((member) => member.renewUntil(end.signal)));
  } finally {
    clearInterval(watch);
  }
  const { code } = await attackers.exited;
  if (code !== 0) throw new Error(attackers.output);
  return {
    attempts: Number(attackers.stdout),
    renewals: fleet.reduce((sum, { renewals }) => sum + renewals, 0),
    slowest: Math.round(Math.max(...fleet.map(({ slowest }) => slowest))),
    most: Math.round(most),
  };
}

async function metric(name: string): Promise<number> {
  const { body } = await get(`${controller.operations}/metrics`, { withinMs: 60_000 });
  const lines = body.split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function tell(
  kinds: readonly string[],
  { attempts, renewals, slowest, most }: Awaited<ReturnType<typeof flood>>,
): void {
  process.stderr.write(
    `${kinds.length === 1 ? kinds[0] : 'all at once'}: ${attempts} attempts; ${renewals} renewals of ${HOSTS} hosts, the slowest ${slowest} ms; at most ${most} MiB\n`,
  );
}

describe('while strangers flood the port, twenty hosts renew and memory stays bounded:', () => {
  it.each([
    ...Object.keys(FLOODS).map((kind) => ({ what: kind, kinds: [kind], atOnce: 100 })),
    { what: 'all at once', kinds: Object.keys(FLOODS), atOnce: 25 },
  ])('$what', async ({ kinds, atOnce }) => {
    const outcome = await flood(kinds, atOnce);
    tell(kinds, outcome);
    expect(outcome.renewals).toBeGreaterThanOrEqual(HOSTS);
    expect(outcome.slowest).toBeLessThan(LATEST_RENEWAL_MS);
    expect(outcome.most).toBeLessThan(MOST_MEMORY);
  });

  it('and after it all is as before', async () => {
    await expect.poll(() => metric('torchpass_work'), { timeout: 20_000 }).toBe(0);
    const [token] = await createTokens(controller, 1);
    if (token === undefined) throw new Error('no token');
    const key = await newKey();
    const newcomer = callController(scope, controller, trust);
    // The calls of the flood end as its connections are seen to be closed; an agent that joins just then comes again.
    const joined = await eventually(() => newcomer.enroll(enrolment(token, key, 'newcomer')), { withinMs: 15_000 });
    expect(joined).toMatchObject({ hostName: 'newcomer' });
    expect(controller.process.output).not.toMatch(/level=error|\n {4}at /);
    expect((await controller.hosts()).filter(({ state }) => state !== 'active')).toEqual([]);
    expect(await controller.hosts()).toHaveLength(HOSTS + 1);
  });
});
