import { describe, expect, it } from 'vitest';
import { problem } from '../testing/fake-api.ts';
import { run } from '../testing/run.ts';
import { host, standing, target, token } from '../testing/views.ts';

describe('on a terminal', () => {
  it('has colours, and none with NO_COLOR or on a dumb one', async () => {
    const list = (environment: Record<string, string>) =>
      run(['token', 'list'], { body: { tokens: [token] } }, { terminal: true, environment });
    expect((await list({})).output).toContain('\u001b[32musable\u001b[39m');
    expect((await list({ NO_COLOR: '1' })).output).not.toContain('\u001b');
    expect((await list({ TERM: 'dumb' })).output).not.toContain('\u001b');
  });

  it('aligns columns whatever the colours', async () => {
    const tokens = [token, { ...token, state: 'revoked', uses: 100 }];
    const table = async (terminal: boolean) => {
      const { output } = await run(['token', 'list'], { body: { tokens } }, { terminal });
      // oxlint-disable-next-line no-control-regex
      return output.replaceAll(/\u001b\[\d+m/g, '');
    };
    expect(await table(true)).toBe(await table(false));
  });

  it('tells who waits what is going on', async () => {
    const ran = await run(['target', 'check'], { body: { checks: [standing] } }, { terminal: true });
    expect(ran.errors).toContain('knocks at every target');
  });

  // oxlint-disable-next-line no-control-regex
  const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;
  const HOSTILE = 'x\u001b[2J\u009b1m\u0007\r\u202ey';

  it.each([
    ['host', 'list'],
    ['host', 'show', 'web-1'],
    ['target', 'list'],
  ])('cannot be steered by what an agent says: %s %s %s', async (...argv) => {
    const bad = { ...target, labels: { [HOSTILE]: HOSTILE }, problem: HOSTILE };
    const steered = { ...host, agentVersion: HOSTILE, address: HOSTILE, exporters: [bad] };
    const body = { ...steered, hosts: [steered], targets: [bad] };
    const text = await run(argv, { body });
    expect(text.exitCode).toBe(0);
    expect(text.output).not.toMatch(STEERING);
    expect(text.output).toContain('x\\u{1b}[2J');
    const json = await run([...argv, '--output', 'json'], { body });
    expect(json.output).not.toMatch(STEERING);
    expect(JSON.parse(json.output)).toEqual(body);
  });

  it('cannot be steered by an error either', async () => {
    const ran = await run(['status'], problem('NOT_FOUND', 404, HOSTILE, HOSTILE));
    expect(ran.errors).not.toMatch(STEERING);
  });
});
