import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, runAlone } from '../testing/run.ts';
import { status } from '../testing/views.ts';

describe('the socket', () => {
  it('is named by --socket, before or after the command, rather than by TORCHPASS_SOCKET', async () => {
    for (const line of [
      ['--socket', '/no/option', 'status'],
      ['status', '--socket', '/no/option'],
    ]) {
      const ran = await run(line, { body: status });
      expect(ran).toMatchObject({ exitCode: 4, requests: [] });
      expect(ran.errors).toContain('/no/option');
    }
  });

  it('has a default', async () => {
    const ran = await runAlone(['status'], { environment: { TORCHPASS_SOCKET: '' } });
    expect(ran.exitCode).toBe(4);
    expect(ran.errors).toContain('/var/lib/torchpass/controller.sock');
  });

  it('that is not there: says so and what to do', async () => {
    const ran = await runAlone(['status', '--socket', '/no/such.sock']);
    expect(ran).toMatchObject({ exitCode: 4, output: '' });
    expect(ran.errors).toMatch(/no controller's socket at \/no\/such\.sock.*\n.*running.*--socket/);
  });

  it('that nobody listens on: the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tp-cli-'));
    await writeFile(join(folder, 's.sock'), '');
    const ran = await runAlone(['status', '--socket', join(folder, 's.sock')]);
    await rm(folder, { recursive: true });
    expect(ran.exitCode).toBe(4);
    expect(ran.errors).toContain('Nobody listens');
  });

  it('whose path is too long', async () => {
    expect(await runAlone(['status', '--socket', `/${'x'.repeat(200)}`])).toMatchObject({ exitCode: 4 });
  });

  it('hears who runs the command, with sudo the person behind it; a name that is none is left out', async () => {
    const operators = async (environment: Record<string, string>) =>
      (await run(['status'], { body: status }, { environment })).operators;
    expect(await operators({ USER: 'root', SUDO_USER: 'olga' })).toEqual(['olga']);
    expect(await operators({ USER: 'root' })).toEqual(['root']);
    expect(await operators({ USER: 'ol\nga' })).toEqual(['']);
    expect(await operators({})).toEqual(['']);
  });

  it('that closes without an answer: warns that it may have happened', async () => {
    const ran = await run(['target', 'publish'], 'hang-up');
    expect(ran.exitCode).toBe(4);
    expect(ran.errors).toContain('look before you repeat it');
  });
});
