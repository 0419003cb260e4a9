import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Secret } from '@torchpass/core';
import { askNew } from './new-passphrase.ts';
import { temporaryFolder } from '../testing/surroundings.ts';
import { passphraseSource, readPassphrase } from './passphrase.ts';

async function file(text: string, mode = 0o600): Promise<string> {
  const path = join(temporaryFolder(), 'torchpass-passphrase');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

/** A configuration with this file. */
const at = (path: string) => ({ authorities: { passphrase_file: path }, storage_path: '/storage' });

const read = async (text: string, mode?: number) => readPassphrase(passphraseSource(at(await file(text, mode)), {}));

describe('the passphrase', () => {
  it.each([
    ['correct horse\n', 'correct horse'],
    ['correct horse\r\n', 'correct horse'],
    ['correct horse', 'correct horse'],
    [' spaces count \n', ' spaces count '],
    ['two\nlines\n', 'two\nlines'],
  ])('is the file without its line end: %j', async (text, passphrase) => {
    expect((await read(text)).reveal()).toBe(passphrase);
  });

  it('is never shown', async () => {
    expect(`${await read('correct horse')}`).not.toContain('horse');
  });

  it.each([0o644, 0o640, 0o604, 0o660, 0o601])('in a file of mode %o is refused, with the remedy', async (mode) => {
    const reading = read('correct horse', mode);
    await expect(reading).rejects.toMatchObject({
      code: 'PERMISSIONS_LOOSE',
      hint: expect.stringContaining('chmod 600') as string,
    });
    await expect(reading).rejects.toMatchObject({ message: expect.not.stringContaining('horse') as string });
  });

  it.each(['', '\n', '\r\n'])('that is empty (%j) is refused', async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });

  it('that is not there is an error that says where it was named', async () => {
    const source = passphraseSource(at('/etc/torchpass/x'), { TORCHPASS_PASSPHRASE_FILE: '/nowhere/passphrase' });
    await expect(readPassphrase(source)).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringMatching(/TORCHPASS_PASSPHRASE_FILE.*\/nowhere\/passphrase/) as string,
    });
  });
});

describe('its place', () => {
  it('is a systemd credential first, then the variable, then the configuration', async () => {
    const path = await file('correct horse');
    const environment = { CREDENTIALS_DIRECTORY: dirname(path), TORCHPASS_PASSPHRASE_FILE: '/b' };
    expect(passphraseSource(at('/c'), environment)).toMatchObject({ path: path });
    expect(passphraseSource(at('/c'), { TORCHPASS_PASSPHRASE_FILE: '/b' })).toMatchObject({ path: '/b' });
    expect(passphraseSource(at('/c'), {})).toMatchObject({ path: '/c' });
  });

  it('is not in a folder that systemd made for another credential', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'something-else'), 'not a passphrase', { mode: 0o600 });
    const environment = { CREDENTIALS_DIRECTORY: folder };
    expect(passphraseSource(at('/c'), environment)).toMatchObject({ path: '/c', guarded: false });
    expect(passphraseSource(at('/c'), { ...environment, TORCHPASS_PASSPHRASE_FILE: '/b' })).toMatchObject({
      path: '/b',
    });
  });

  it('as a credential may show the mode of the access list that systemd gives it', async () => {
    const path = await file('correct horse', 0o440);
    const source = passphraseSource(at('/c'), { CREDENTIALS_DIRECTORY: join(path, '..') });
    expect((await readPassphrase(source)).reveal()).toBe('correct horse');
  });
});

describe('a person at the terminal', () => {
  const ask = () => Promise.resolve(new Secret('typed'));

  it('is asked when nothing was configured and the default file is not there', async () => {
    const source = passphraseSource(at('/storage/passphrase'), {}, ask);
    expect((await readPassphrase(source)).reveal()).toBe('typed');
  });

  it('is not asked when a file was named, is there, or came from systemd', async () => {
    const path = await file('correct horse');
    const environment = { CREDENTIALS_DIRECTORY: dirname(path) };
    expect(passphraseSource(at('/elsewhere'), {}, ask)).toMatchObject({ path: '/elsewhere' });
    expect(passphraseSource(at('/storage/passphrase'), environment, ask)).toMatchObject({ path });
    expect(passphraseSource(at('/storage/passphrase'), { TORCHPASS_PASSPHRASE_FILE: '/b' }, ask)).toMatchObject({
      path: '/b',
    });
    const storage = {
      authorities: { passphrase_file: join(dirname(path), 'passphrase') },
      storage_path: dirname(path),
    };
    expect(passphraseSource(storage, {}, ask)).toEqual({ ask });
    await writeFile(storage.authorities.passphrase_file, 'x', { mode: 0o600 });
    expect(passphraseSource(storage, {}, ask)).toMatchObject({ path: storage.authorities.passphrase_file });
  });

  it('types a new one twice, alike', async () => {
    const typing = (...answers: string[]) => {
      return () => Promise.resolve(new Secret(answers.shift() ?? ''));
    };
    expect((await askNew(typing('a', 'a'), '? '))?.reveal()).toBe('a');
    expect(await askNew(typing(''), '? ')).toBeUndefined();
    await expect(askNew(typing('a', 'b'), '? ')).rejects.toMatchObject({ code: 'USAGE' });
  });
});
