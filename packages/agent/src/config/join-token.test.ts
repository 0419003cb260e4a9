import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles } from '@torchpass/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTokenText, refuseTokenArgument } from './join-token.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchpass-token-'));
  await writeFile(join(folder, 'token'), 'from a file\n');
  await writeFile(join(folder, 'torchpass-token'), 'from systemd\n');
});
afterAll(() => rm(folder, { recursive: true }));

const sources = {
  file: undefined,
  credentialsDirectory: undefined,
  readInput: () => Promise.resolve('from input\n'),
  warn: () => undefined,
};

test.each([
  ['from input', undefined, undefined],
  ['from systemd', '.', undefined],
  ['from input', 'nowhere', undefined],
  ['from a file', '.', 'token'],
])('the token comes %s', async (expected, credentials, file) => {
  const at = (name: string | undefined) => (name === undefined ? undefined : join(folder, name));
  const given = { ...sources, credentialsDirectory: at(credentials), file: at(file) };
  expect((await readTokenText(given, nodeFiles())).reveal().trim()).toBe(expected);
});

test('no token at all, or a file that is not there, says what to do', async () => {
  const empty = { ...sources, readInput: () => Promise.resolve(' \n') };
  await expect(readTokenText(empty, nodeFiles())).rejects.toMatchObject({
    code: 'USAGE',
    hint: expect.stringMatching(/--token-file/) as string,
  });
  const missing = { ...sources, file: '/nowhere/token' };
  await expect(readTokenText(missing, nodeFiles())).rejects.toMatchObject({
    code: 'USAGE',
    message: '--token-file: there is no file /nowhere/token.',
  });
});

test.each([['--token=tpjoin1.abc'], ['--token'], ['tpjoin1.aaaa.bbbb'], ['--host-name=tpjoin1.x']])(
  'a token as an argument is refused, with the reason and without repeating it: %s',
  (argument) => {
    const attempt = () => refuseTokenArgument(['enroll', argument]);
    expect(attempt).toThrow(/other users can read arguments/);
    expect(attempt).not.toThrow(/aaaa|abc/);
  },
);

test.each([
  [0o600, 0],
  [0o400, 0],
  [0o640, 1],
  [0o644, 1],
])('a token file of mode %o gives %i warnings', async (mode, count) => {
  const path = join(folder, `token-${mode}`);
  await writeFile(path, 'from a file', { mode: 0o600 });
  await chmod(path, mode);
  const warnings: string[] = [];
  const given = { ...sources, file: path, warn: (sentence: string) => void warnings.push(sentence) };
  expect((await readTokenText(given, nodeFiles())).reveal()).toBe('from a file');
  expect(warnings).toHaveLength(count);
  for (const warning of warnings) expect(warning).toContain(`${path} can be read by other users`);
});

test('a file that holds the token is no argument', () => {
  expect(() => refuseTokenArgument(['enroll', '--token-file', '/root/token'])).not.toThrow();
});
