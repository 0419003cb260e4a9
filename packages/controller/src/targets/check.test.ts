import { describe, expect, it, vi } from 'vitest';
import { joinHost } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

describe('checking targets from outside', () => {
  it('goes on with the others when one may not be dialled, and says so of that one', async () => {
    let resolved = ['127.0.0.8'];
    const lab = await openLab({
      config: {
        policy: { allowed_networks: ['127.0.0.0/8'] },
        targets: { probe_timeout: '100ms', publish_interval: '0s' },
      },
      resolve: () => Promise.resolve(resolved),
    });
    const host = await joinHost(lab, { token: { addresses: ['web.example.org'] } });
    await host.serve({ address: 'web.example.org' });
    const other = await joinHost(lab, { name: 'web-2', address: '127.0.0.9' });
    // Nothing listens there.
    await other.serve({ port: 1 }, '127.0.0.9');
    resolved = ['10.0.0.1'];
    const checks = await lab.services.targets.check({});
    expect(checks.map(({ host, passed }) => [host, passed])).toEqual([
      ['web-1', false],
      ['web-2', false],
    ]);
    expect(checks[0]?.layers).toMatchObject([{ passed: false, found: expect.stringContaining('10.0.0.1') as string }]);
    expect(checks[1]?.layers).toHaveLength(5);
  });

  it('of a host that is not there is an error, not a success', async () => {
    const lab = await openLab();
    await expect(lab.services.targets.check({ host: 'web-9' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
