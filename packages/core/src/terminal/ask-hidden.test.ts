import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askHidden } from './ask-hidden.ts';

/** A terminal whose user types `keys`; what it showed, and whether it echoes. */
function terminal(...keys: string[]) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (raw: boolean) => modes.push(raw) });
  const output = new PassThrough();
  for (const key of keys) input.write(key);
  return { input, output, modes, shown: () => String(output.read() ?? '') };
}

describe('a hidden question', () => {
  it.each([
    ['secret\r', 'secret'],
    ['secret\n', 'secret'],
    ['sex\u007fcret\r', 'secret'],
    ['wrong\u0015secret\r', 'secret'],
    ['pässwörd ✓\r', 'pässwörd ✓'],
    [' spaces \r', ' spaces '],
    ['\r', ''],
    ['\u001b[Asecret\r', '[Asecret'],
  ])('takes %j as %j and shows none of it', async (keys, answer) => {
    const { shown, modes, ...screen } = terminal(keys);
    expect(await askHidden('Passphrase: ', screen)).toBe(answer);
    expect(shown()).toBe('Passphrase: \n');
    expect(modes).toEqual([true, false]);
  });

  it('ends at Ctrl-C, when the terminal goes away and when the program is to end, with the terminal as before', async () => {
    const interrupted = terminal('sec\u0003');
    await expect(askHidden('? ', interrupted)).rejects.toMatchObject({ code: 'USAGE' });
    const gone = terminal('sec');
    gone.input.end();
    await expect(askHidden('? ', gone)).rejects.toMatchObject({ code: 'USAGE' });
    const stop = new AbortController();
    const stopped = terminal('sec');
    const asking = askHidden('? ', stopped, stop.signal);
    stop.abort(new Error('stop'));
    await expect(asking).rejects.toThrow('stop');
    for (const { modes } of [interrupted, gone, stopped]) expect(modes).toEqual([true, false]);
  });

  it('can be followed by another one', async () => {
    const screen = terminal('first\r');
    expect(await askHidden('1? ', screen)).toBe('first');
    screen.input.write('second\r');
    expect(await askHidden('2? ', screen)).toBe('second');
  });

  it('takes no more than a line can have', async () => {
    const { modes: _modes, ...screen } = terminal(`${'x'.repeat(10_000)}\r`);
    expect(await askHidden('? ', screen)).toHaveLength(4096);
  });
});
