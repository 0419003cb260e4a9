import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { createCertificateRequest } from '@torchpass/pki';
import { describe, expect, it, vi } from 'vitest';
import { dial, enrollOver, renewOver } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import { ask, createTokens } from '../harness/admin.ts';
import { callController, enrolment, newKey, pairOf, trustOf } from '../harness/caller.ts';
import { initLabController, startLabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { runToEnd, start } from '../harness/processes.ts';
import { testScope } from '../harness/test-scope.ts';

/**
 * What happens to a machine: a full disk, a file system that is read-only, a database that another program locks, a clock that
 * jumps. The controller says so, loses nothing that it has answered, and goes on by itself when it is over.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };
const MAIN = fileURLToPath(new URL('../../packages/controller/src/main.ts', import.meta.url));
const IDENTITY = { $case: 'identity', value: {} } as const;

/** Runs a shell line in a view of the file system of its own: its mounts are nobody else's, and end with it. */
const withMounts = (line: string) => ['--mount', '--map-root-user', 'sh', '-euc', line];

/** What `init` leaves on a disk of three megabytes, and the line that starts a controller there. */
async function smallDisk(scope: ReturnType<typeof testScope>) {
  const initialized = await initLabController(scope);
  const { storage, folder, configFile } = initialized;
  // The socket stays visible outside of the mount.
  const socket = join(folder, 'admin.sock');
  const config = (await readFile(configFile, 'utf8')).replace(/socket: .*/, `socket: ${socket}`);
  await writeFile(configFile, config);
  const line = `cp -a ${storage} ${folder}/copy; mount -t tmpfs -o size=3m tmpfs ${storage}; cp -a ${folder}/copy/. ${storage}; exec ${process.execPath} ${MAIN} run --config.file=${configFile}`;
  return { ...initialized, socket, line };
}

it('a full disk: what is answered is kept, what is not is refused in words, and it goes on when there is room', async () => {
  const scope = testScope();
  const disk = await smallDisk(scope);
  const running = start(scope, 'unshare', withMounts(disk.line));
  await running.waitFor(/controller is ready/, { withinMs: 60_000 });
  const storage = `/proc/${running.pid}/root${disk.storage}`;
  const controller = { ...disk, storage };
  const trust = await trustOf(controller);
  const [token] = await createTokens(controller, 1);
  if (token === undefined) throw new Error('no token');

  await writeFile(join(storage, 'filler'), Buffer.alloc(8 * 2 ** 20)).catch(() => undefined);
  const made: string[] = [];
  const refused = await eventually(
    async () => {
      const { status, answer } = await ask(
        controller,
        'POST',
        '/api/v1/tokens',
        JSON.stringify({ note: 'x'.repeat(200) }),
      );
      if (status < 300) made.push((answer as { details: { id: string } }).details.id);
      if (status < 300) throw new Error('there is room yet');
      return answer;
    },
    { withinMs: 60_000, everyMs: 1 },
  );
  expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', detail: expect.stringContaining('disk') as string });
  const key = await newKey();
  const client = callController(scope, controller, trust);
  await expect(client.enroll(enrolment(token, key, 'member'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });

  await rm(join(storage, 'filler'));
  const { certificate } = await eventually(() => client.enroll(enrolment(token, key, 'member')), { withinMs: 20_000 });
  await callController(scope, controller, trust, pairOf(certificate, key)).checkIn(NOTHING);
  const { answer } = await ask(controller, 'GET', '/api/v1/tokens');
  const kept = (answer as { tokens: { id: string }[] }).tokens.map(({ id }) => id);
  expect(kept.toSorted()).toEqual([token.id, ...made].toSorted());
  expect(running.output).toMatch(/the disk is full/);
});

it('a read-only file system: it says so and does not start, and starts when it can be written to', async () => {
  const scope = testScope();
  const disk = await smallDisk(scope);
  const readOnly = disk.line.replace('exec ', `mount -o remount,ro ${disk.storage}; exec `);
  const { exit, output } = await runToEnd(scope, 'unshare', withMounts(readOnly));
  expect(exit.code).toBe(1);
  expect(output).toMatch(/read-only|cannot be (?:opened|written)|Cannot write/i);
  expect(output).not.toMatch(/\n {4}at |internal error/);
  await rm(join(disk.folder, 'copy'), { recursive: true });
  const running = start(scope, 'unshare', withMounts(disk.line));
  await running.waitFor(/controller is ready/, { withinMs: 60_000 });
});

it('a database that another program locks: refused in words, and done when it lets go', async () => {
  const scope = testScope();
  const controller = await startLabController(scope);
  const trust = await trustOf(controller);
  const [token] = await createTokens(controller, 1);
  if (token === undefined) throw new Error('no token');
  const key = await newKey();
  const request = enrolment(token, key, 'member');
  const other = new DatabaseSync(join(controller.storage, 'torchpass.db'));
  scope.defer(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const client = callController(scope, controller, trust);
  await expect(client.enroll(request)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('another program keeps it locked') as string,
  });
  other.exec('ROLLBACK');
  const { certificate } = await eventually(() => client.enroll(request), { withinMs: 20_000 });
  const certificateRequest = createCertificateRequest(await newKey());
  const member = callController(scope, controller, trust, pairOf(certificate, key));
  expect(await member.issueCertificate({ certificateRequest, purpose: IDENTITY })).toHaveProperty('certificate');
});

const DAY = 86_400_000;

describe('a clock that jumps', () => {
  it.each([
    ['a day ahead', DAY],
    ['a day back', -DAY],
    ['ten years ahead', 3652 * DAY],
    ['ten years back', -3652 * DAY],
  ])('%s and is right again a while later: the host is still a member, and others join', async (_what, jump) => {
    const lab = await startLab();
    const identity = await enrollOver(lab, await newToken(lab), 'member');
    const token = await newToken(lab);
    const pass = async () => {
      for (let n = 0; n < 5; n += 1) {
        lab.clock.advance(6000);
        await new Promise((resolve) => void setImmediate(resolve));
      }
    };
    await pass();
    lab.clock.advance(jump);
    await pass();
    const meanwhile = await dial(lab, identity)
      .checkIn(NOTHING)
      .then(
        () => 'OK',
        (error: { code: string }) => error.code,
      );
    expect(['OK', 'IDENTITY_REJECTED']).toContain(meanwhile);
    lab.clock.advance(-jump);
    await pass();
    await dial(lab, identity).checkIn(NOTHING);
    await dial(lab, await renewOver(lab, identity)).checkIn(NOTHING);
    await enrollOver(lab, token, 'late');
    expect((await lab.services.hosts.list()).map(({ name, state }) => [name, state])).toEqual([
      ['late', 'active'],
      ['member', 'active'],
    ]);
    expect((await lab.services.status()).publishProblem).toBeNull();
  });
});
