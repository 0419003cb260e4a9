import { expect, it } from 'vitest';
import { run } from '../testing/run.ts';
import { host } from '../testing/views.ts';

const REASON = 'Its identity 0a was used from 203.0.113.9 after its successor 0b had come into use.';
const quarantined = { ...host, state: 'quarantined', quarantine: { at: '2025-12-31T00:00:00.000Z', reason: REASON } };

it('"host show" says why a host is quarantined, and how it goes on', async () => {
  const { output } = await run(['host', 'show', 'web-1'], { body: quarantined });
  expect(output).toContain(REASON);
  expect(output).toContain('torchpass host release web-1');
});

it('"host release" asks first, because a copy would go on with it', async () => {
  const body = { host, remarks: ['Look again in an hour.'] };
  const refused = await run(['host', 'release', 'web-1'], { body }, { terminal: true, input: 'n\n' });
  expect(refused).toMatchObject({ exitCode: 1, requests: [] });
  const ran = await run(['host', 'release', 'web-1', '--yes'], { body });
  expect(ran.requests).toEqual([['POST', '/api/v1/hosts/web-1/release', {}]]);
  expect(ran.output).toBe('The host web-1 is active.\n- Look again in an hour.\n');
});
