import { describe, expect, it } from 'vitest';
import { problem } from '../testing/fake-api.ts';
import { GOOD } from '../testing/good-commands.ts';
import { run, runAlone } from '../testing/run.ts';
import { commands } from './index.ts';

describe('every command', () => {
  it.each(GOOD)('%s', async (line, request, body, exitCode, shown) => {
    const ran = await run(line.split(' '), { body });
    expect(ran).toMatchObject({ exitCode, errors: '', requests: [request] });
    for (const text of shown) expect(ran.output).toMatch(text);
    expect(ran.output).not.toContain('\u001b');
    expect(ran.output).not.toMatch(/ $|undefined|null|\[object/m);
  });

  it.each(GOOD)('%s --output json prints exactly what the API answered', async (line, _request, body, exitCode) => {
    const ran = await run([...line.split(' '), '--output', 'json'], { body });
    expect(ran).toMatchObject({ exitCode, errors: '' });
    expect(JSON.parse(ran.output)).toEqual(body);
  });

  it('is covered by this table', () => {
    const uncovered = commands.filter(({ name }) => !GOOD.some(([line]) => line.startsWith(name)));
    expect(uncovered.map(({ name }) => name)).toEqual(['prometheus check']);
  });

  it.each(commands.map(({ name }) => name))('%s --help shows how to use it, with examples', async (name) => {
    const ran = await runAlone([...name.split(' '), '--help']);
    expect(ran).toMatchObject({ exitCode: 0, errors: '' });
    expect(ran.output).toContain(`Usage: torchpass ${name}`);
    expect(ran.output).toMatch(new RegExp(`Examples:\\n.*torchpass ${name}`));
    expect(ran.output).toContain('--output');
  });

  it.each(commands.flatMap(({ examples }) => examples.map(({ line }) => line)))(
    'the example works: %s',
    async (line) => {
      const words = [...(/torchpass (.*?)(?: [|>] .*)?$/.exec(line)?.[1] ?? '').matchAll(/"([^"]*)"|(\S+)/g)];
      const argv = words.map(([, quoted, plain]) => quoted ?? plain ?? '');
      const ran = await run(argv, problem('STORE_UNAVAILABLE', 503, 'Reached.'), { input: '' });
      expect(ran.errors).toMatch(/Reached|no file|no terminal/);
    },
  );
});
