import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '@torchpass/agent';
import type { Binaries } from '@torchpass/quickstart';
import { beforeAll, describe, expect, it } from 'vitest';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { binariesOf } from '../harness/suites.ts';
import { suiteScope } from '../harness/test-scope.ts';

const SLOW = { timeout: 180_000 };

/** Servers that lose their identity in every way there is, and come back, with the real programs. */
describe('a server', () => {
  const scope = suiteScope();
  let binaries: Binaries;
  let controller: LabController;
  let last = 0;

  const joinAs = (name: string): Promise<LabHost> => {
    last += 1;
    return joinHost(scope, binaries, { controller, name, address: `127.0.9.${last}` });
  };
  const tokenFor = ({ target }: LabHost) =>
    controller.createToken('--job', 'node', '--address', target.split(':')[0] ?? '');
  const published = async () => {
    const text = await readFile(join(controller.prometheus, 'targets/node.json'), 'utf8').catch(() => '[]');
    return (JSON.parse(text) as { targets: string[] }[]).flatMap(({ targets }) => targets);
  };
  const statusOf = async ({ agent }: LabHost) => JSON.parse((await agent.status()).stdout) as AgentStatus;
  const stateOf = async (name: string) => (await controller.hosts()).findLast((host) => host.name === name)?.state;

  beforeAll(async () => {
    binaries = await binariesOf('trixie');
    controller = await startLabController(scope);
  });

  it('that has left enrols again and is published again', SLOW, async () => {
    const host = await joinAs('leaver');
    expect((await host.agent.leave()).exit.code).toBe(0);
    expect(await published()).not.toContain(host.target);
    const again = await host.agent.enroll(await tokenFor(host));
    expect(again.output).toContain(`published as ${host.target}`);
    expect(again.exit.code).toBe(0);
    expect(await published()).toContain(host.target);
  });

  it('that was thrown out enrols again with a new token and is published again', SLOW, async () => {
    const host = await joinAs('outcast');
    await controller.operator('host', 'revoke', 'outcast', '--yes');
    expect(await published()).not.toContain(host.target);
    const refused = await host.agent.sync();
    expect(refused.exit.code).toBe(3);
    expect(refused.output).toContain('torchpass token create');
    expect((await host.agent.enroll(await tokenFor(host))).exit.code).toBe(0);
    expect(await published()).toContain(host.target);
  });

  it('that was reinstalled takes the place of its host; it was published all the time', SLOW, async () => {
    const host = await joinAs('phoenix');
    const old = await host.agent.clone();
    await rm(host.agent.storage, { recursive: true });
    const taken = await host.agent.enroll(await tokenFor(host));
    expect(taken.exit.code).toBe(1);
    expect(taken.output).toContain('torchpass token create --replace phoenix');
    expect(await published()).toContain(host.target);

    const token = await controller.createToken('--replace', 'phoenix');
    const back = await host.agent.enroll(token);
    expect(back.output).toContain(`published as ${host.target}`);
    expect(back.exit.code).toBe(0);
    expect(await published()).toContain(host.target);
    expect((await old.sync()).exit.code).toBe(3);
    expect(await stateOf('phoenix')).toBe('active');
    await rm(host.agent.storage, { recursive: true });
    expect((await host.agent.enroll(token)).exit.code).toBe(3);
  });

  it('whose disk was copied is quarantined and stays monitored, until an operator releases it', SLOW, async () => {
    const host = await joinAs('twin');
    const other = await joinAs('bystander');
    const copy = await host.agent.clone();
    expect((await host.agent.sync('--renew')).exit.code).toBe(0);
    expect((await copy.sync()).exit.code).toBe(3);
    expect(await stateOf('twin')).toBe('quarantined');
    expect((await host.agent.sync()).exit.code).toBe(3);
    expect((await other.agent.sync()).exit.code).toBe(0);
    expect(await published()).toContain(host.target);
    expect(await controller.operator('host', 'show', 'twin')).toMatch(/was used from 127\.\S+ after its successor/);
    await controller.operator('host', 'release', 'twin', '--yes');
    expect((await host.agent.sync()).exit.code).toBe(0);
    expect(await stateOf('twin')).toBe('active');
  });

  it('renews when an operator wants it, with new keys', SLOW, async () => {
    const host = await joinAs('early');
    const before = await statusOf(host);
    await controller.operator('host', 'renew', 'early');
    expect((await host.agent.sync()).exit.code).toBe(0);
    const after = await statusOf(host);
    expect(after.identity.serial).not.toBe(before.identity.serial);
    expect(after.exporters[0]?.serving?.serial).not.toBe(before.exporters[0]?.serving?.serial);
    expect((await host.agent.sync()).exit.code).toBe(0);
    expect((await statusOf(host)).identity.serial).toBe(after.identity.serial);
  });
});

describe('a server that was off until its identity had ended', () => {
  const scope = suiteScope();

  it('renews it and is all well again', SLOW, async () => {
    const binaries = await binariesOf('trixie');
    const controller = await startLabController(scope, { certificates: { identity_lifetime: '1m' } });
    const host = await joinHost(scope, binaries, { controller, name: 'sleeper', address: '127.0.9.99' });
    const ended = async () => {
      const { identity } = JSON.parse((await host.agent.status()).stdout) as AgentStatus;
      expect(new Date(identity.not_after).getTime()).toBeLessThan(new Date().getTime());
      return identity.serial;
    };
    const serial = await eventually(ended, { withinMs: 90_000, everyMs: 2000 });
    const awake = await host.agent.sync();
    expect(awake.output).toContain('published');
    expect(awake.exit.code).toBe(0);
    const status = JSON.parse((await host.agent.status()).stdout) as AgentStatus;
    expect(status).toMatchObject({ healthy: true });
    expect(status.identity.serial).not.toBe(serial);
  });
});
