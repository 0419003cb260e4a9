import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { decodeJoinToken } from '@torchpass/protocol';
import { expect, it } from 'vitest';
import { startLabController } from '../harness/controller.ts';
import { testScope } from '../harness/test-scope.ts';

/**
 * Attack: one token is used at the same moment in two processes that work on one database, past the lock that keeps a second controller out.
 * Defence: SQLite carries out the one conditional update of either process before that of the other.
 * Lives in: packages/controller/src/tokens/redeem.ts, store/store.ts.
 * Seen to fail: without "uses < max_uses" in `consume` each process makes hosts.
 */

const RACER = fileURLToPath(new URL('programs/racer.ts', import.meta.url));

it('two processes make as many hosts as the token has uses, together', async () => {
  const scope = testScope();
  const controller = await startLabController(scope);
  const token = await controller.createToken('--uses', '3');
  await controller.process.stop();
  const racers = ['one', 'two'].map((name) => {
    const child = spawn(process.execPath, [RACER, name, controller.configFile, token, '10'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    scope.defer(() => void child.kill('SIGKILL'));
    return child;
  });
  await Promise.all(racers.map(async ({ stdout }) => once(stdout, 'readable')));
  const said = racers.map(({ stdout }) => text(stdout));
  for (const { stdin } of racers) stdin.end('go\n');
  const outcomes = (await Promise.all(said)).flatMap((lines) => {
    const [ready, answer = '[]'] = lines.trim().split('\n');
    expect(ready).toBe('ready');
    return JSON.parse(answer) as string[];
  });
  expect(outcomes.toSorted()).toEqual([...Array<string>(17).fill('TOKEN_REJECTED'), ...Array<string>(3).fill('made')]);
  await controller.start();
  expect(await controller.hosts()).toHaveLength(3);
  expect(await controller.tokens()).toMatchObject([{ id: decodeJoinToken(token).id, uses: 3, state: 'used' }]);
});
