import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatHostPort } from '@torchpass/core';
import { TargetState } from '@torchpass/protocol';
import { createAgent } from '../context.ts';
import { type Lab, startLab } from '../testing/lab.ts';
import { readLine } from './read-line.ts';
import { runCli } from './run-cli.ts';

let lab: Lab;
let folder = '';
let config = '';
beforeAll(async () => {
  lab = await startLab();
  folder = await mkdtemp(join(tmpdir(), 'torchpass-cli-'));
  config = join(folder, 'agent.yml');
  const { port, restart } = lab.exporterSettings;
  const { storagePath, hostName } = lab.settings;
  const exporters = [{ name: 'node', port, restart, patience: '2s' }];
  const controller = formatHostPort(lab.controller.address);
  await writeFile(config, stringify({ controller, storage_path: storagePath, host_name: hostName, exporters }));
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

async function cli(args: string[], input = '', signal = new AbortController().signal) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, {
    createAgent,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    readInput: () => Promise.resolve(input),
    credentialsDirectory: undefined,
    signal,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('wrong usage', () => {
  test.each([
    ['no command', [], 2, /Usage: torchpass-agent/],
    ['an unknown command', ['stats'], 2, /unknown command 'stats'.*status/s],
    ['an unknown flag', ['sync', '--renw'], 2, /unknown option '--renw'.*--renew/s],
    ['too many words', ['sync', 'node'], 2, /too many arguments/],
    ['an unknown form', ['status', '--output', 'xml'], 2, /Allowed choices are text, json/],
    ['an unknown level', ['sync', '--log.level=loud'], 2, /Allowed choices are debug, info, warn, error/],
    [
      'a wrong address',
      ['sync', '--controller', 'x'],
      2,
      /torchpass-agent: --controller: "x" is not an address.*:7443/,
    ],
    [
      'a relative folder, beside a file that is wrong too',
      ['sync', '--storage.path=rel', '--config.file=/nowhere.yml'],
      2,
      /--storage\.path: "rel" is not an absolute path/,
    ],
    ['a file that is not there', ['sync', '--config.file', '/nowhere.yml'], 2, /There is no configuration file/],
    ['a token as an argument', ['enroll', '--token', 'tpjoin1.aaaa'], 2, /other users can read arguments/],
    ['a token as a word', ['enroll', 'tpjoin1.aaaa.bbbb'], 2, /other users can read arguments/],
    ['no token', ['enroll'], 2, /No join token was given on standard input/],
    ['a damaged token', ['enroll', '--host-name', 'x'], 1, /The join token cannot be read/],
    ['a host that is not enrolled', ['status'], 1, /This host is not enrolled.*torchpass-agent enroll/],
  ])('%s', async (what, args, code, message) => {
    const files = args.some((arg) => arg.startsWith('--config')) ? [] : ['--storage.path', join(folder, 'none')];
    const end = await cli(
      [...args, ...(args.length === 0 ? [] : files)],
      what === 'a damaged token' ? 'tpjoin1.aaaa' : '',
    );
    expect(end).toMatchObject({ code, out: '' });
    expect(end.err).toMatch(message);
    expect(end.err).not.toMatch(/aaaa|\n {4}at /);
  });
});

test.each(['enroll', 'sync', 'run', 'status', 'leave'])(
  '%s --help has examples, exit codes and the common flags',
  async (command) => {
    const { code, out } = await cli([command, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\s+\\$ torchpass-agent ${command}`));
    expect(out).toMatch(/Exit codes: 0 ok/);
    expect(out).toMatch(/--storage\.path/);
    expect(out).not.toMatch(/--token /);
  },
);

test('the life of a member, from the command line', async () => {
  const file = ['--config.file', config];
  const enrolled = await cli(['enroll', ...file], `  ${lab.controller.token().reveal()}\n`);
  expect(enrolled).toMatchObject({ code: 0, err: '' });
  expect(enrolled.out).toMatch(/Exporter "node": published as 127\.0\.0\.1:\d+, certificate valid until 20/);

  const synced = await cli(['sync', ...file, '--renew', '--output', 'json']);
  expect(synced.code).toBe(0);
  expect(JSON.parse(synced.out)).toMatchObject({ host: 'web-1', complete: true, exporters: [{ state: 'published' }] });

  const status = await cli(['status', ...file]);
  expect(status.code).toBe(0);
  expect(status.out).toMatch(
    /Host +web-1\n.*closed to strangers.*target +published.*all well.*Next .*renewal is due in [456]d/s,
  );
  expect(JSON.parse((await cli(['status', ...file, '--output', 'json'])).out)).toMatchObject({
    host: 'web-1',
    trust_domain: 'lab.example',
    exporters: [{ serving: { locked: true }, target: { state: 'published' } }],
  });

  const stop = new AbortController();
  const resident = cli(['run', ...file, '--log.format=json'], '', stop.signal);
  setImmediate(() => stop.abort());
  expect((await resident).code).toBe(0);

  await lab.exporter.stop();
  // The target stays while the exporter is down.
  lab.controller.book.answer = (desired) => ({ ...desired, state: TargetState.PUBLISHED });
  const down = await cli(['sync', ...file]);
  lab.controller.book.answer = undefined;
  expect(down.code).toBe(1);
  expect(down.err).toMatch(/torchpass-agent: The exporter "node" cannot be tried: Nothing answers/);
  expect(down.out).not.toContain('published');
  await lab.exporter.restart();

  const elsewhere = await cli(['sync', ...file, '--controller', '127.0.0.1:1']);
  expect(elsewhere).toMatchObject({ code: 4 });
  expect(elsewhere.err).toMatch(
    /torchpass-agent: The controller at 127\.0\.0\.1:1 does not answer: connect ECONNREFUSED 127\.0\.0\.1:1\. Check/,
  );

  lab.controller.book.rejectIdentities = true;
  expect(await cli(['sync', ...file])).toMatchObject({ code: 3 });
  lab.controller.book.rejectIdentities = false;

  expect(await cli(['leave', ...file])).toMatchObject({ code: 0, err: '' });
  expect(await cli(['status', ...file])).toMatchObject({ code: 1 });
});

test('from a terminal or a pipe that stays open, one line is enough', async () => {
  const never = new AbortController().signal;
  const endless = new Readable({ read: () => undefined });
  endless.push('\n  tpjoin1.x\nmore');
  expect(await readLine(endless, 100, never)).toBe('tpjoin1.x');
  expect(await readLine(Readable.from(['tpjoin1.', 'y']), 100, never)).toBe('tpjoin1.y');
  expect(await readLine(Readable.from([]), 100, never)).toBe('');
  expect((await readLine(Readable.from(['z'.repeat(500)]), 100, never)).length).toBe(100);
});

test('Ctrl-C at the prompt for the token ends it at once', async () => {
  const waiting = new Readable({ read: () => undefined });
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  await expect(readLine(waiting, 100, stop.signal)).rejects.toThrow(/abort/i);
});

test('asked to end while the program itself waits for the token, it ends and says so', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const args = ['enroll', '--controller', '127.0.0.1:1', '--storage.path', join(folder, 'none')];
  // Loaded before the program, it stands for the moment at which the user presses Ctrl-C: when input is being read.
  const press = `process.stdin.on('newListener', (event) => {
    if (event === 'readable') setImmediate(() => process.kill(process.pid, 'SIGINT'));
  });`;
  const imported = `data:text/javascript,${encodeURIComponent(press)}`;
  const program = spawn(process.execPath, ['--import', imported, main, ...args], { timeout: 20_000 });
  const said: string[] = [];
  program.stderr.setEncoding('utf8').on('data', (text: string) => void said.push(text));
  // Standard input stays open, as a terminal's does.
  expect(await once(program, 'close')).toEqual([1, null]);
  expect(said.join('')).toMatch(/torchpass-agent: Interrupted/);
});
