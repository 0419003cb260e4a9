import type { AuthorityList } from '@torchpass/controller/api';
import { expect, it } from 'vitest';
import { run } from '../testing/run.ts';

const AT = '2026-01-01T00:00:00.000Z';
const authority = {
  id: '4a0b',
  role: 'root' as const,
  key: 'here' as const,
  issuedBy: null,
  notBefore: AT,
  notAfter: '2036-01-01T00:00:00.000Z',
  activatedAt: AT,
  goneAt: null,
};
const body: AuthorityList = {
  authorities: [
    { ...authority, state: 'active' },
    { ...authority, id: '5c0d', state: 'gone', key: 'destroyed' },
  ],
  rotations: [
    {
      role: 'root',
      mode: 'auto',
      nextStep: 'activate',
      reason: '',
      startedAt: AT,
      blockers: [
        {
          kind: 'host',
          id: 'x',
          name: 'web-9',
          reason: 'The host does not trust the new root yet.',
          lastSeenAt: '2025-12-30T00:00:00.000Z',
          until: null,
        },
      ],
    },
  ],
};

it('lists authorities that are in use, and the hosts that block with when they were last seen', async () => {
  const { output, requests, exitCode } = await run(['ca', 'list'], { body });
  expect([exitCode, requests]).toEqual([0, [['GET', '/api/v1/authorities']]]);
  expect(output).toContain('4a0b');
  expect(output).not.toContain('5c0d');
  expect(output).toMatch(/host web-9: The host does not trust the new root yet. Last seen .*ago/);
});

it('asks before it leaves anybody behind, and not otherwise', async () => {
  const forced = ['ca', 'rotate', 'root', '--force'];
  expect(await run(forced, { body }, { input: '' })).toMatchObject({ exitCode: 2, requests: [] });
  const named = await run(['ca', 'rotate', 'root', '--leave-behind', 'web-9', '--yes'], { body }, { input: '' });
  expect(named.requests).toEqual([
    ['POST', '/api/v1/authorities/root/rotate', { action: 'go', leaveBehind: ['web-9'], force: false }],
  ]);
  const stepped = await run(['ca', 'rotate', 'scraper', '--step', '--reason', 'stolen'], { body }, { input: '' });
  expect(stepped.requests).toEqual([
    ['POST', '/api/v1/authorities/scraper/rotate', { action: 'step', leaveBehind: [], force: false, reason: 'stolen' }],
  ]);
});

it('refuses an authority that there is none of, and both of --step and --abort', async () => {
  expect(await run(['ca', 'rotate', 'moon'], { body })).toMatchObject({ exitCode: 2, requests: [] });
  expect(await run(['ca', 'rotate', 'root', '--step', '--abort'], { body })).toMatchObject({
    exitCode: 2,
    requests: [],
  });
});
