import { expect, it } from 'vitest';
import { run } from '../testing/run.ts';
import { host } from '../testing/views.ts';

const line = ['host', 'approve', 'web-1'];

it('asks before it approves a key that nobody compared, and not when a fingerprint is given', async () => {
  const asked = await run(line, { body: host }, { terminal: true, input: 'n\n' });
  expect(asked).toMatchObject({ exitCode: 1, requests: [] });
  expect(asked.errors).toContain('without --fingerprint');
  expect(await run(line, { body: host }, { input: '' })).toMatchObject({ exitCode: 2, requests: [] });
  const compared = await run([...line, '--fingerprint', 'SHA256:abc'], { body: host }, { input: '' });
  expect(compared.requests).toEqual([['POST', '/api/v1/hosts/web-1/approve', { fingerprint: 'SHA256:abc' }]]);
});
