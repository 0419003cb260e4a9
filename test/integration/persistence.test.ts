import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isTorchpassError } from '@torchpass/core';
import { TargetState } from '@torchpass/protocol';
import { describe, expect, it } from 'vitest';
import { createTokens } from '../harness/admin.ts';
import { callController, enrolment, newKey, pairOf, trustOf } from '../harness/caller.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { joinHost } from '../harness/host.ts';
import { DISCOVERY_MS, startPastedPrometheus } from '../harness/pasted.ts';
import { runProgram } from '../harness/programs.ts';
import type { Scope } from '../harness/scope.ts';
import { binariesOf } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';

const HOSTS = 40;
const AT_ONCE = 10;

/** Many hosts enrol, ten at any moment; each repeats its request until it is answered, as agents do. */
async function startStorm(scope: Scope, controller: LabController) {
  const trust = await trustOf(controller);
  const tokens = await createTokens(controller, HOSTS);
  const waiting = await Promise.all(tokens.map(async (token, index) => ({ token, index, key: await newKey() })));
  const acknowledged = new Map<string, ReturnType<typeof pairOf>>();
  const tally = { attempts: 0 };
  const enrol = async ({ token, index, key }: (typeof waiting)[number]): Promise<void> => {
    const client = callController(scope, controller, trust);
    for (;;) {
      tally.attempts += 1;
      try {
        const { hostName, certificate } = await client.enroll(enrolment(token, key, `storm-${index}`));
        acknowledged.set(hostName, pairOf(certificate, key));
        return client.close();
      } catch (error) {
        if (!isTorchpassError(error, 'CONTROLLER_UNREACHABLE')) throw error;
        await delay(100);
      }
    }
  };
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await enrol(next);
  };
  const finished = Promise.all(Array.from({ length: AT_ONCE }, work));
  finished.catch(() => undefined);
  return { trust, acknowledged, tally, finished };
}

describe('a controller that dies among many enrolments', () => {
  it(
    'loses none that it has acknowledged, and the others finish with its successor',
    { timeout: 240_000 },
    async () => {
      const scope = testScope();
      const controller = await startLabController(scope);
      const storm = await startStorm(scope, controller);
      const deaths = { 3: 'SIGKILL', 12: 'SIGTERM', 21: 'SIGKILL' } as const;
      for (const [least, signal] of Object.entries(deaths)) {
        const enough = () => expect(storm.acknowledged.size).toBeGreaterThanOrEqual(Number(least));
        await eventually(enough, { withinMs: 60_000, everyMs: 2 });
        controller.process.kill(signal);
        await controller.process.exited;
        await controller.start();
      }
      await storm.finished;
      expect(storm.acknowledged.size).toBe(HOSTS);
      // Otherwise no death came in between, and this test has shown nothing.
      expect(storm.tally.attempts).toBeGreaterThan(HOSTS);

      const hosts = await controller.hosts();
      const serials = new Map(hosts.map(({ name, identity }) => [name, identity?.serial]));
      expect(hosts.map(({ name }) => name).toSorted()).toEqual([...storm.acknowledged.keys()].toSorted());
      for (const [name, { leaf }] of storm.acknowledged)
        expect(serials.get(name)).toBe(leaf.serialNumber.toLowerCase());
      expect((await controller.tokens()).map(({ state, uses }) => `${state} ${uses}`)).toEqual(
        Array.from({ length: HOSTS }, () => 'used 1'),
      );
      for (const pair of storm.acknowledged.values()) {
        const client = callController(scope, controller, storm.trust, pair);
        expect(
          await client.checkIn({ agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] }),
        ).toMatchObject({ exporters: [] });
        client.close();
      }
      const checked = await runProgram(scope, 'torchpass-controller', [
        'check',
        `--config.file=${controller.configFile}`,
      ]);
      expect(checked).toMatchObject({ exit: { code: 0 } });
      expect(checked.stdout).toMatch(/Read back: authorities, \d+ issued certificates/);
    },
  );

  it('answers a request that is repeated after its death as it did before', async () => {
    const scope = testScope();
    const controller = await startLabController(scope);
    const trust = await trustOf(controller);
    const [token] = await createTokens(controller, 1);
    if (token === undefined) throw new Error('there is no token');
    const request = enrolment(token, await newKey(), 'twice');
    const first = await callController(scope, controller, trust).enroll(request);
    controller.process.kill('SIGKILL');
    await controller.process.exited;
    await controller.start();
    expect(await callController(scope, controller, trust).enroll(request)).toEqual(first);
    const another = { ...request, ...enrolment(token, await newKey(), 'twice-again') };
    await expect(callController(scope, controller, trust).enroll(another)).rejects.toMatchObject({
      code: 'TOKEN_REJECTED',
    });
    expect((await controller.hosts()).map(({ name }) => name)).toEqual(['twice']);
  });
});

describe('a controller that is told to stop', () => {
  it('finishes the call that is in flight', async () => {
    const scope = testScope();
    const controller = await startLabController(scope, {
      targets: { probe_timeout: '3s', publish_interval: '100ms', check_in_interval: '2s' },
    });
    const trust = await trustOf(controller);
    const silent = await startSilence(scope);
    const [token] = await createTokens(controller, 1);
    if (token === undefined) throw new Error('there is no token');
    const key = await newKey();
    const { certificate } = await callController(scope, controller, trust).enroll(enrolment(token, key, 'slow'));
    const host = callController(scope, controller, trust, pairOf(certificate, key));
    const report = (servingSerial: Buffer) => ({
      agentVersion: 'test',
      rootsDigest: Buffer.alloc(0),
      exporters: [
        {
          name: 'node',
          port: silent.port,
          address: '',
          metricsPath: '',
          job: '',
          servingSerial,
          problem: '',
          scrapersDigest: Buffer.alloc(0),
          restartGeneration: 0,
        },
      ],
    });
    await host.checkIn(report(Buffer.alloc(0)));
    const exporterKey = await newKey();
    const issued = await host.issueCertificate({
      purpose: { $case: 'exporter', value: { name: 'node' } },
      certificateRequest: enrolment(token, exporterKey, '').certificateRequest,
    });
    const serial = Buffer.from(pairOf(issued.certificate, exporterKey).leaf.serialNumber, 'hex');

    // The controller looks at an exporter that accepts a connection and says nothing: the call lasts for seconds.
    const inFlight = host.checkIn(report(serial));
    await silent.called;
    controller.process.kill('SIGTERM');
    const [answer] = (await inFlight).exporters;
    expect(answer).toMatchObject({ name: 'node', state: TargetState.PENDING });
    expect(answer?.problem).toContain(`The controller cannot reach 127.0.0.1 port ${silent.port}`);
    expect(await controller.process.exited).toEqual({ code: 0, signal: null });
    expect(controller.process.output).toMatch(/controller is stopping.*SIGTERM/);
  });

  it('keeps a second controller away from its storage for as long as it runs', async () => {
    const scope = testScope();
    const controller = await startLabController(scope);
    for (const command of ['run', 'init']) {
      const second = await runProgram(scope, 'torchpass-controller', [
        command,
        `--config.file=${controller.configFile}`,
      ]);
      expect(second.exit.code).toBe(1);
      expect(second.stderr).toContain('Another controller is at work on this storage');
    }
    expect(controller.process.exit).toBeUndefined();
    await controller.createToken();
    controller.process.kill('SIGKILL');
    await controller.process.exited;
    await controller.start();
    expect(await controller.tokens()).toHaveLength(1);
  });
});

describe('while the controller is away', () => {
  it('what is scraped stays scraped, and a resident agent finds the controller again', async () => {
    const scope = testScope();
    const binaries = await binariesOf('trixie');
    const controller = await startLabController(scope);
    const prometheus = await startPastedPrometheus(scope, binaries, controller);
    const host = await joinHost(scope, binaries, { controller, name: 'patient' });
    const resident = host.agent.run();
    await resident.waitFor(/the pass is done.*complete=true/, { withinMs: 20_000 });
    await eventually(async () => expect(await prometheus.query('up')).toMatchObject([{ value: 1 }]), {
      withinMs: DISCOVERY_MS,
    });

    controller.process.kill('SIGKILL');
    await controller.process.exited;
    await resident.waitFor(/the pass failed.*CONTROLLER_UNREACHABLE/, { withinMs: 20_000 });
    const sync = await host.agent.sync();
    expect(sync.exit.code).toBe(4);
    expect(sync.stderr).toContain(`The controller at ${controller.address} does not answer`);
    const status = await host.agent.status();
    expect(status.exit.code).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({
      exporters: [{ serving: { locked: true } }],
      last_pass: { problem: expect.stringContaining('does not answer') as string },
    });

    const from = resident.output.length;
    await controller.start();
    await resident.waitFor(/the pass is done.*complete=true/, { withinMs: 30_000, from });
    expect(await prometheus.query('min_over_time(up[1h])')).toMatchObject([{ value: 1 }]);
    expect(await resident.stop()).toEqual({ code: 0, signal: null });
  });
});

/** A server that accepts connections and says nothing. */
async function startSilence(scope: Scope): Promise<{ port: number; called: Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  const called = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, called };
}
