import { describe, expect, it } from 'vitest';
import { run } from '../testing/run.ts';
import { host } from '../testing/views.ts';

describe('host revoke', () => {
  const body = { host: { ...host, state: 'revoked' }, remarks: [] };
  const line = ['host', 'revoke', 'web-1', '--reason', 'sold'];

  it.each(['y\n', 'yes\n', 'Y\n'])('does it on a terminal after %j', async (input) => {
    const ran = await run(line, { body }, { terminal: true, input });
    expect(ran.exitCode).toBe(0);
    expect(ran.requests).toHaveLength(1);
    expect(ran.errors).toContain('Revoke the host "web-1"?');
  });

  it.each(['n\n', '\n', 'yesterday\n', ''])('does nothing on a terminal after %j', async (input) => {
    const ran = await run(line, { body }, { terminal: true, input });
    expect(ran).toMatchObject({ exitCode: 1, requests: [], output: '' });
    expect(ran.errors).toContain('Nothing was changed.');
  });

  it.each([{}, { terminal: true, piped: true }])('needs --yes where nobody can be asked (%j)', async (around) => {
    const ran = await run(line, { body }, { input: 'y\n', ...around });
    expect(ran).toMatchObject({ exitCode: 2, requests: [], output: '' });
    expect(ran.errors).toContain('--yes');
  });
});
