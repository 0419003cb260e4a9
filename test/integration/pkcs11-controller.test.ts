import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '@torchpass/controller';
import { systemClock } from '@torchpass/core';
import { decodeJoinToken } from '@torchpass/protocol';
import { expect, it } from 'vitest';
import { callController, enrolment, newKey, pairOf, trustOf } from '../harness/caller.ts';
import { startLabController } from '../harness/controller.ts';
import { runProgram } from '../harness/programs.ts';
import { startSoftHsm } from '../harness/softhsm.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

const PIN = 'a-pin-nobody-sees';

it('a controller whose authorities are in a token enrols hosts, survives the token going, and never shows key or PIN', async () => {
  const scope = testScope();
  const hsm = await startSoftHsm(scope);
  await hsm.add('torchpass', PIN);
  const pinFile = join(await workspace(scope), 'pin');
  await writeFile(pinFile, `${PIN}\n`, { mode: 0o600 });
  const pkcs11 = { module: hsm.module, token: 'torchpass', pin_file: pinFile };
  const controller = await startLabController(scope, { authorities: { pkcs11 } });
  const trust = await trustOf(controller);
  const client = callController(scope, controller, trust);
  const enrol = async (name: string) => {
    const token = decodeJoinToken(await controller.createToken());
    const key = await newKey();
    const join = () => client.enroll(enrolment(token, key, name));
    return { key, join };
  };

  const first = await enrol('web-1');
  const { leaf } = pairOf((await first.join()).certificate, first.key);
  expect(leaf.subjectAltName).toContain('/agent/web-1');

  const store = await openStore({ path: join(controller.storage, 'torchpass.db'), clock: systemClock });
  const rows = await store.selectFrom('authorities').select('key_reference').execute();
  await store.destroy();
  expect(rows).toHaveLength(5);
  for (const row of rows)
    expect(row.key_reference).toMatch(/^pkcs11:token=torchpass;id=(%[0-9a-f]{2}){16};type=private$/);
  const checked = await runProgram(scope, 'torchpass-controller', ['check', `--config.file=${controller.configFile}`]);
  expect([checked.exit.code, checked.output]).toEqual([0, expect.stringContaining('authorities')]);

  // Taken out while it runs: callers may come again, the log says why.
  await rename(hsm.tokens, `${hsm.tokens}-away`);
  await mkdir(hsm.tokens);
  const second = await enrol('web-2');
  await expect(second.join()).rejects.toMatchObject({ kind: 'unavailable' });
  expect(controller.process.output).toContain('PKCS #11 token');
  await rename(`${hsm.tokens}-away`, hsm.tokens);
  const { leaf: later } = pairOf((await second.join()).certificate, second.key);
  expect(later.subjectAltName).toContain('/agent/web-2');

  // Stopped, and started without the token: it says so and ends.
  await controller.process.stop();
  const config = await readFile(controller.configFile, 'utf8');
  await writeFile(controller.configFile, config.replace('token: torchpass', 'token: another'));
  const without = await runProgram(scope, 'torchpass-controller', ['run', `--config.file=${controller.configFile}`]);
  expect(without.exit.code).not.toBe(0);
  expect(without.output).toMatch(/"another"/);
  expect(controller.process.output + without.output + checked.output).not.toContain(PIN);
});
