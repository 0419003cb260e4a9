import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJoinToken } from '@torchpass/protocol';
import { expect, it } from 'vitest';
import { createLabAgent } from '../harness/agent.ts';
import { startLabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';
import { startProgram } from '../harness/programs.ts';
import { get } from '../harness/http.ts';
import { testScope } from '../harness/test-scope.ts';

/**
 * Attack: somebody on the machine reads the logs, the arguments and the environment of every program, and the metrics.
 * Defence: tokens, keys and passphrases are read from files and standard input, and kept in a type that does not print.
 * Lives in: packages/core/src/secret.ts, core/src/logging/logging.ts, agent/src/config/join-token.ts.
 * Seen to fail: with the secret among the fields of the log line of a rejected token.
 */

it('no secret is in logs at debug level, arguments, environments or metrics, also when something goes wrong', async () => {
  const scope = testScope();
  const controller = await startLabController(scope, { log: { level: 'debug' } });
  const token = await controller.createToken('--address', '127.0.0.1');
  const agent = await createLabAgent(scope, {
    controller: controller.address,
    hostName: 'web-1',
    exporters: [{ address: '127.0.0.1', port: await freePort(), patience: '1s' }],
  });
  const flags = [`--config.file=${agent.configFile}`, '--log.level=debug'];

  const joining = startProgram(scope, 'torchpass-agent', ['enroll', ...flags], { input: `${token}\n` });
  const sights = [await sight(joining.pid), await sight(controller.process.pid)];
  const identity = join(agent.storage, 'identity/identity.pem');
  const pair = await eventually(() => readFile(identity, 'utf8'), { withinMs: 30_000 });
  sights.push(await sight(joining.pid));
  await joining.stop();
  const resident = startProgram(scope, 'torchpass-agent', ['run', ...flags]);
  await resident.waitFor(/level=(?:debug|info|warn|error)/, { withinMs: 30_000 });
  sights.push(await sight(resident.pid));
  // A second use, and a spoiled one: what goes wrong is told in most detail.
  const others = await Promise.all(
    [token, `${token.slice(0, -2)}aa`].map(async (text) => {
      const other = await createLabAgent(scope, {
        controller: controller.address,
        hostName: 'thief',
        exporters: [{ address: '127.0.0.1', port: 9100 }],
      });
      return other.enroll(text);
    }),
  );
  await resident.stop();
  const metrics = await get(`${controller.operations}/metrics`);
  const audit = await controller.operator('audit', 'log').catch((error: unknown) => String(error));

  const passphrase = (await readFile(join(controller.storage, 'passphrase'), 'utf8')).trim();
  const secret = decodeJoinToken(token).secret.reveal();
  const keyLines = [...pair.matchAll(/-----BEGIN PRIVATE KEY-----\n([^-]+)-----/g)].flatMap(([, body = '']) =>
    body.trim().split('\n'),
  );
  const secrets = [
    token,
    token.split(/[._-]/).find((part) => part.length >= 32) ?? token,
    passphrase,
    ...keyLines,
    secret.toString('hex'),
    secret.toString('base64'),
    secret.toString('base64url'),
  ];
  expect(keyLines.length).toBeGreaterThan(0);
  const logs = [joining, resident, controller.process, ...others].map(({ output }) => output);
  expect(logs.join('\n')).toContain('join token rejected');
  const everything = [...sights, ...logs, metrics.body, audit].join('\n');
  expect(secrets.filter((text) => everything.includes(text))).toEqual([]);
});

/** Arguments and environment of a process and of all its threads, as everybody on the machine may read them. */
async function sight(pid: number): Promise<string> {
  const parts = await Promise.all(
    [`/proc/${pid}`, ...(await readdir(`/proc/${pid}/task`)).map((task) => `/proc/${pid}/task/${task}`)].flatMap(
      (place) => ['cmdline', 'environ'].map((file) => readFile(join(place, file), 'latin1').catch(() => '')),
    ),
  );
  expect(parts[0]).toContain('node');
  return parts.join('\n');
}
