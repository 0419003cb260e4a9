import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AuditPage, TargetView } from '@torchpass/controller/api';
import { decodeJoinToken } from '@torchpass/protocol';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { callController, enrolment, newKey, pairOf, trustOf } from '../harness/caller.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { joinHost } from '../harness/host.ts';
import { runProgram, startProgram } from '../harness/programs.ts';
import type { Scope } from '../harness/scope.ts';
import { binariesOf } from '../harness/suites.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

const NOTHING = { agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] };

/** A machine that has the configuration and the passphrase of another one, and nothing else. Agents find it at the same address. */
async function otherMachine(scope: Scope, lost: LabController) {
  const folder = await workspace(scope);
  const storage = join(folder, 'controller');
  const configFile = join(folder, 'controller.yml');
  const config = parse(await readFile(lost.configFile, 'utf8')) as { admin: object };
  const socket = join(storage, 'controller.sock');
  await writeFile(configFile, stringify({ ...config, storage_path: storage, admin: { ...config.admin, socket } }));
  await mkdir(storage, { mode: 0o711 });
  await copyFile(join(lost.storage, 'passphrase'), join(storage, 'passphrase'));
  const controller = (...args: string[]) =>
    runProgram(scope, 'torchpass-controller', [...args, `--config.file=${configFile}`]);
  const operator = async <T>(...args: string[]) => {
    const { stdout } = await runProgram(scope, 'torchpass', [...args, '--output', 'json', '--socket', socket]);
    return JSON.parse(stdout) as T;
  };
  const start = async () => {
    const running = startProgram(scope, 'torchpass-controller', ['run', `--config.file=${configFile}`]);
    await running.waitFor(/controller is ready/, { withinMs: 60_000 });
    return running;
  };
  return { storage, controller, operator, start };
}

it(
  'an installation is backed up while it works, lost, and put back elsewhere; the fleet goes on',
  { timeout: 240_000 },
  async () => {
    const scope = testScope();
    const binaries = await binariesOf('trixie');
    const lost = await startLabController(scope);
    const host = await joinHost(scope, binaries, { controller: lost, name: 'web-1' });
    const token = await lost.createToken();
    const file = join(lost.folder, 'backups', 'torchpass.tpbackup');
    await mkdir(dirname(file));
    const made = await runProgram(scope, 'torchpass-controller', [
      'backup',
      `--config.file=${lost.configFile}`,
      '--out',
      file,
    ]);
    expect(made).toMatchObject({ exit: { code: 0 } });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const checked = await runProgram(scope, 'torchpass-controller', [
      'backup',
      `--config.file=${lost.configFile}`,
      '--verify',
      file,
    ]);
    expect(checked).toMatchObject({ exit: { code: 0 } });

    // What the backup does not know: a renewal, a used token, a host.
    expect(await host.agent.sync('--renew')).toMatchObject({ exit: { code: 0 } });
    const trust = await trustOf(lost);
    const late = await newKey();
    const { certificate } = await callController(scope, lost, trust).enroll(
      enrolment(decodeJoinToken(token), late, 'late'),
    );
    expect((await lost.hosts()).map(({ name }) => name).toSorted()).toEqual(['late', 'web-1']);
    lost.process.kill('SIGKILL');
    await lost.process.exited;

    const machine = await otherMachine(scope, lost);
    const restored = await machine.controller('restore', file);
    expect(restored).toMatchObject({ exit: { code: 0 } });
    expect(restored.stdout).toContain('These join tokens could still be used and are dead now');
    expect(await machine.controller('restore', file)).toMatchObject({ exit: { code: 1 } });
    expect(await machine.controller('check')).toMatchObject({ exit: { code: 0 } });
    await machine.start();

    expect(await host.agent.sync()).toMatchObject({ exit: { code: 0 } });
    expect(await host.agent.sync('--renew')).toMatchObject({ exit: { code: 0 } });
    const { targets } = await machine.operator<{ targets: TargetView[] }>('target', 'list');
    expect(targets).toMatchObject([{ host: 'web-1', state: 'published', target: host.target }]);

    const thief = enrolment(decodeJoinToken(token), await newKey(), 'thief');
    await expect(callController(scope, lost, trust).enroll(thief)).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
    const call = callController(scope, lost, trust, pairOf(certificate, late)).checkIn(NOTHING);
    await expect(call).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    const told = async (event: string) => (await machine.operator<AuditPage>('audit', 'log', '--event', event)).entries;
    expect(await told('identity.adopted')).toMatchObject([{ subject: 'web-1' }]);
    expect(await told('identity.unknown')).toMatchObject([{ subject: 'late' }]);
    expect(await told('host.quarantined')).toEqual([]);
    expect(await machine.operator('audit', 'verify')).toMatchObject({ fault: null });
  },
);
