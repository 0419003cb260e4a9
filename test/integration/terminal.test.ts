import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { initLabController } from '../harness/controller.ts';
import { runProgram } from '../harness/programs.ts';
import { runOnTerminal } from '../harness/terminal.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

const CONTROLLER = fileURLToPath(new URL('../../packages/controller/src/main.ts', import.meta.url));
const AGENT = fileURLToPath(new URL('../../packages/agent/src/main.ts', import.meta.url));

async function configuration() {
  const folder = await workspace(testScope());
  const path = join(folder, 'controller.yml');
  const storage = join(folder, 'storage');
  const admin = { listen_address: '127.0.0.1:0' };
  await writeFile(path, stringify({ storage_path: storage, advertise_address: '127.0.0.1:7443', admin }));
  return { path, storage, flag: `--config.file=${path}` };
}

describe('a passphrase that is typed', () => {
  it('makes authorities and opens them, is changed, is shown nowhere and is in no file', async () => {
    const scope = testScope();
    const { storage, flag } = await configuration();
    const init = runOnTerminal(scope, CONTROLLER, ['init', flag]);
    await init.answer(/New passphrase for the authorities .*: /, 'typed-secret\r');
    await init.answer(/The same again: /, 'typed-secret\r');
    expect([await init.ended, init.shown]).toEqual([0, expect.stringContaining('Made a root')]);
    await expect(stat(join(storage, 'passphrase'))).rejects.toThrow('ENOENT');

    const changing = runOnTerminal(scope, CONTROLLER, ['passphrase', 'change', flag]);
    await changing.answer(/Passphrase of the authorities: /, 'typed-secret\r');
    await changing.answer(/New passphrase: /, 'other-secret\r');
    await changing.answer(/The same again: /, 'other-secret\r');
    expect([await changing.ended, changing.shown]).toEqual([0, expect.stringContaining('under the new passphrase')]);

    const wrong = runOnTerminal(scope, CONTROLLER, ['check', flag]);
    await wrong.answer(/Passphrase of the authorities: /, 'typed-secret\r');
    expect([await wrong.ended, wrong.shown]).toEqual([1, expect.stringContaining('does not open')]);
    const right = runOnTerminal(scope, CONTROLLER, ['check', flag]);
    await right.answer(/Passphrase of the authorities: /, 'other-secret\r');
    expect([await right.ended, right.shown]).toEqual([0, expect.stringContaining('the passphrase is right')]);
    for (const { shown } of [init, changing, wrong, right]) expect(shown).not.toMatch(/secret/);
  });

  it('is not asked for without a terminal', async () => {
    const { storage, flag } = await configuration();
    const { exit } = await runProgram(testScope(), 'torchpass-controller', ['init', flag]);
    expect(exit.code).toBe(0);
    expect((await stat(join(storage, 'passphrase'))).mode & 0o777).toBe(0o600);
  });

  it('is given up with Ctrl-C, and nothing was made', async () => {
    const { flag, storage } = await configuration();
    const init = runOnTerminal(testScope(), CONTROLLER, ['init', flag]);
    await init.answer(/New passphrase .*: /, 'typed\u0003');
    expect([await init.ended, init.shown]).toEqual([2, expect.stringContaining('Interrupted')]);
    const { exit, output } = await runProgram(testScope(), 'torchpass-controller', ['run', flag]);
    expect([exit.code, output]).toEqual([expect.any(Number), expect.stringMatching(/init|passphrase/)]);
    await expect(stat(join(storage, 'passphrase'))).rejects.toThrow('ENOENT');
  });
});

it('a join token that is typed or pasted is not shown', async () => {
  const folder = await workspace(testScope());
  const args = ['enroll', '--controller', '127.0.0.1:9', '--storage.path', join(folder, 'agent')];
  const enroll = runOnTerminal(testScope(), AGENT, args);
  await enroll.answer(/Paste the join token .*: /, 'tpjoin1.never.seen\r');
  expect(await enroll.ended).not.toBe(0);
  expect(enroll.shown).not.toContain('never');
});

it('a controller whose database others can read does not start', async () => {
  const scope = testScope();
  const { configFile, storage } = await initLabController(scope);
  await chmod(join(storage, 'torchpass.db'), 0o644);
  const { exit, output } = await runProgram(scope, 'torchpass-controller', ['run', `--config.file=${configFile}`]);
  expect(exit.code).toBe(2);
  expect(output).toContain(`${storage}/torchpass.db can be read or changed by others (mode 0644)`);
  expect(output).toContain(`chmod 600 ${storage}/torchpass.db`);
});
