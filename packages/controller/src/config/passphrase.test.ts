import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/surroundings.ts';
import { passphraseSource, readPassphrase } from './passphrase.ts';

async function file(text: string, mode = 0o600): Promise<string> {
  const path = join(temporaryFolder(), 'torchpass-passphrase');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

const read = async (text: string, mode?: number) => readPassphrase(passphraseSource(await file(text, mode), {}));

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
    const source = passphraseSource('/etc/torchpass/x', { TORCHPASS_PASSPHRASE_FILE: '/nowhere/passphrase' });
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
    expect(passphraseSource('/c', environment).path).toBe(path);
    expect(passphraseSource('/c', { TORCHPASS_PASSPHRASE_FILE: '/b' }).path).toBe('/b');
    expect(passphraseSource('/c', {}).path).toBe('/c');
  });

  it('is not in a folder that systemd made for another credential', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'something-else'), 'not a passphrase', { mode: 0o600 });
    const environment = { CREDENTIALS_DIRECTORY: folder };
    expect(passphraseSource('/c', environment)).toMatchObject({ path: '/c', guarded: false });
    expect(passphraseSource('/c', { ...environment, TORCHPASS_PASSPHRASE_FILE: '/b' }).path).toBe('/b');
  });

  it('as a credential may show the mode of the access list that systemd gives it', async () => {
    const path = await file('correct horse', 0o440);
    const source = passphraseSource('/c', { CREDENTIALS_DIRECTORY: join(path, '..') });
    expect((await readPassphrase(source)).reveal()).toBe('correct horse');
  });
});
