import { describe, expect, it } from 'vitest';
import { run, runAlone } from './testing/run.ts';

describe('wrong usage', () => {
  it.each<[string, RegExp]>([
    ['tokn list', /Unknown command 'tokn'.*\nDid you mean token\?/],
    ['token creat', /Unknown command 'creat'.*\nDid you mean create\?/],
    ['frobnicate list', /Unknown command 'frobnicate'/],
    ['host lits', /Did you mean list\?/],
    ['statsu', /Did you mean status\?/],
    ['frobnicate', /Unknown command 'frobnicate'/],
    ['token create --labl a=b', /Unknown option '--labl'.*\nDid you mean --label\?.*torchpass token create --help/],
    ['status --ouput json', /Did you mean --output\?/],
    ['--sokcet /x status', /Did you mean --socket\?/],
    ['status --output', /argument missing/],
    ['status --output yaml', /--output: "yaml" is not text or json/],
    ['status --output token', /is not text or json/],
    ['status extra', /Too many arguments/],
    ['host show', /Missing required argument 'NAME'/],
    ['host show a b', /Too many arguments/],
    ['host show Web_1!', /NAME: "Web_1!" cannot be the name of a host/],
    ['host show ..', /NAME/],
    ['host revoke --yes', /Missing required argument/],
    ['host revoke ../x --yes', /NAME/],
    ['target check a/b', /HOST/],
    ['token revoke', /Missing required argument 'ID'/],
    ['prometheus check', /Missing required argument 'FILE'/],
    ['token create --label env', /--label: "env" is not NAME=VALUE/],
    ['token create --label =prod', /--label/],
    ['token create --label a=1 --label a=2', /--label: "a" is given more than once/],
    ['token create --uses many', /--uses: "many" is not a whole number/],
    ['token create --uses -1', /--uses/],
    ['token create --uses 1.5', /--uses/],
    ['token create --uses 1 --uses 2', /--uses is given more than once/],
    ['token create --expires-in soon', /--expires-in: "soon" is not a duration.*\n.*1h30m/],
    ['token create node', /Too many arguments/],
  ])('%s', async (line, complaint) => {
    const ran = await run(line.split(' '));
    expect(ran).toMatchObject({ exitCode: 2, output: '', requests: [] });
    expect(ran.errors).toMatch(complaint);
    expect(ran.errors).toMatch(/^torchpass: .+\n/);
  });

  it.each([[], ['token'], ['prometheus']])('%j shows the help on standard error', async (...argv) => {
    const ran = await runAlone(argv);
    expect(ran).toMatchObject({ exitCode: 2, output: '' });
    expect(ran.errors).toContain('Usage: torchpass');
  });

  it.each(['--help', 'help', 'help token', 'token --help'])('%s shows the help and is fine', async (line) => {
    const ran = await runAlone(line.split(' '));
    expect(ran).toMatchObject({ exitCode: 0, errors: '' });
    expect(ran.output).toContain('token create');
  });

  it('knows its version', async () => {
    expect(await runAlone(['--version'])).toMatchObject({ exitCode: 0, output: 'torchpass 0.1.0\n' });
  });
});
