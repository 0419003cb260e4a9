import { describe, expect, it, vi } from 'vitest';
import { newToken } from '../testing/host.ts';
import { type Lab } from '../testing/lab.ts';
import { agree, withFleet } from '../testing/rotating-fleet.ts';
import type { AuthorityRole } from './situation.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const blockers = async ({ services }: Lab, role: AuthorityRole) => {
  const { rotations } = await services.authorities.list();
  return rotations.find((rotation) => rotation.role === role)?.blockers.map(({ kind, name }) => `${kind} ${name}`);
};

describe('a rotation of', () => {
  it.each(['controller', 'agent', 'exporter', 'scraper'] as const)(
    'the %s authority goes to its end by itself, and destroys the old key',
    async (role) => {
      const lab = await withFleet();
      await lab.rotate(role);
      await lab.live(8);
      expect(await lab.states(role)).toBe('b active');
      expect(await blockers(lab, role)).toBeUndefined();
      const rows = await lab.store
        .selectFrom('authorities')
        .selectAll()
        .where('role', '=', role)
        .orderBy('created_at')
        .execute();
      expect(rows.map(({ state, key_reference }) => [state, key_reference === ''])).toEqual([
        ['gone', true],
        ['active', false],
      ]);
      expect(rows.find(({ state }) => state === 'active')?.tbs).toBeInstanceOf(Buffer);
    },
  );

  it('the root takes the four others with it', async () => {
    const lab = await withFleet();
    const [old] = lab.authorities.rootIds;
    await lab.rotate('root');
    await lab.live(20);
    for (const role of ['root', 'controller', 'agent', 'exporter', 'scraper'] as const) {
      expect(await lab.states(role)).toBe('b active');
    }
    const { authorities } = await lab.services.authorities.list();
    expect(authorities.filter(({ state }) => state === 'active').map(({ issuedBy }) => issuedBy)).not.toContain(old);
    expect(lab.authorities.roots).toHaveLength(1);
  });
});

describe('waits for', () => {
  it.each([
    ['scraper', 'b prepared'],
    ['root', 'b prepared'],
    ['agent', 'a retiring'],
    ['exporter', 'a retiring'],
  ] as const)('a host that is away: %s', async (role, state) => {
    const lab = await withFleet();
    await lab.rotate(role);
    await lab.live(6, ['web-2']);
    expect(await lab.states(role)).toContain(state);
    expect(await blockers(lab, role)).toEqual(['host web-2']);
    await lab.live(20);
    expect(await lab.states(role)).toBe('b active');
  });

  it.each(['scraper', 'root'] as const)('a host that is quarantined, until it is left behind: %s', async (role) => {
    const lab = await withFleet();
    await lab.store.updateTable('hosts').set({ state: 'quarantined' }).where('name', '=', 'web-2').execute();
    await lab.rotate(role);
    await lab.live(4, ['web-2']);
    expect(await lab.states(role)).toBe('a active, b prepared');
    expect(await blockers(lab, role)).toEqual(['host web-2']);
    await lab.rotate(role, { leaveBehind: ['web-2'] });
    expect(await lab.states(role)).toBe('a retiring, b active');
  });

  it('a join token that pins the old root only, until it is left behind', async () => {
    const lab = await withFleet();
    const token = await newToken(lab);
    await lab.rotate('root');
    await lab.live(3);
    const fresh = await newToken(lab);
    expect(await blockers(lab, 'root')).toEqual([`token ${token.id}`]);
    await lab.rotate('root', { leaveBehind: [token.id] });
    expect(await lab.states('root')).toBe('a retiring, b active');
    expect(fresh.text.length).toBeGreaterThan(token.text.length);
  });

  it('Prometheus to have read the new exporter authority', async () => {
    const lab = await withFleet();
    await lab.rotate('exporter');
    expect(await blockers(lab, 'exporter')).toEqual(['prometheus Prometheus']);
    await lab.live(1);
    expect(await lab.states('exporter')).toContain('b active');
  });

  it('a look from outside that succeeds before the old scraper authority is dropped', async () => {
    const lab = await withFleet();
    await lab.rotate('scraper');
    await lab.live(1);
    lab.outside.answer = ({ port }) => (port === 9100 ? 'it refuses the certificate' : undefined);
    await lab.live(5);
    expect(await lab.states('scraper')).toBe('a retiring, b active');
    expect(await blockers(lab, 'scraper')).toEqual(['host web-1', 'host web-2']);
    lab.outside.answer = () => undefined;
    await lab.live(4);
    expect(await lab.states('scraper')).toBe('b active');
  });
});

it('goes on although another role fails, which is logged, and not at every pass', async () => {
  const lab = await withFleet();
  await lab.rotate('agent');
  await lab.rotate('exporter');
  const row = await lab.store.selectFrom('rotations').selectAll().where('role', '=', 'agent').executeTakeFirstOrThrow();
  const damaged = lab.authorities.authentic.seal('rotations', { ...row, left_behind: 'damaged' });
  await lab.store.updateTable('rotations').set(damaged).where('role', '=', 'agent').execute();
  for (let round = 0; round < 8; round += 1) {
    lab.clock.advance(1000);
    await expect(lab.rotation.advance()).rejects.toThrow('a list of texts');
    await lab.prometheusFolder.refresh();
    for (const host of lab.hosts) await host.pass();
  }
  const rotations = await lab.store.selectFrom('rotations').select('role').execute();
  expect(rotations).toEqual([{ role: 'agent' }]);
  expect(lab.logged.filter((line) => line.includes('rotation failed'))).toHaveLength(1);
  expect((await lab.rotation.waiting()).get('agent')).toBe(1);
});

describe('step by step', () => {
  it('takes one step at a time, and says when it has to wait', async () => {
    const lab = await withFleet();
    await lab.rotate('scraper', { action: 'step' });
    await expect(lab.rotate('scraper', { action: 'step' })).rejects.toMatchObject({ code: 'ROTATION_BLOCKED' });
    await lab.live(3);
    expect(await lab.states('scraper')).toBe('a active, b prepared');
    await lab.rotate('scraper', { action: 'step' });
    expect(await lab.states('scraper')).toBe('a retiring, b active');
    await lab.live(3);
    expect(await lab.states('scraper')).toBe('a retiring, b active');
  });

  it('is forced past whoever blocks, and says so in the audit log', async () => {
    const lab = await withFleet();
    await lab.rotate('root', { action: 'step' });
    await lab.rotate('root', { action: 'step', force: true });
    expect(await lab.states('root')).toBe('a retiring, b active');
    const left = await lab.store
      .selectFrom('audit_log')
      .selectAll()
      .where('event', '=', 'rotation.left_behind')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(left.details)).toMatchObject({ ids: [expect.any(String), expect.any(String)] });
  });
});

it('begins by itself before the end of an authority, once, and says why in the audit log', async () => {
  const lab = await withFleet();
  lab.clock.advance(735 * 86_400_000);
  await agree(lab);
  const started = await lab.store.selectFrom('audit_log').selectAll().where('event', '=', 'rotation.started').execute();
  expect(
    started.map(({ subject, actor, details }) => [subject, JSON.parse(actor)[0], JSON.parse(details).reason]),
  ).toEqual(['controller', 'agent', 'exporter', 'scraper'].map((role) => [role, 'controller', 'its end is near']));
  await lab.rotation.advance();
  const { rotations } = await lab.services.authorities.list();
  expect(rotations.length).toBeLessThanOrEqual(4);
  const again = await lab.store.selectFrom('audit_log').selectAll().where('event', '=', 'rotation.started').execute();
  expect(again).toHaveLength(4);
});

describe('goes back', () => {
  it('from prepared: the new one is gone', async () => {
    const lab = await withFleet();
    await lab.rotate('scraper');
    await lab.rotate('scraper', { action: 'abort' });
    expect(await lab.states('scraper')).toBe('a active');
    await lab.live(2);
    expect(lab.authorities.trusted('scraper')).toHaveLength(1);
  });

  it.each(['exporter', 'agent', 'scraper'] as const)(
    'from active: the former %s authority signs again, the new one goes',
    async (role) => {
      const lab = await withFleet();
      await lab.rotate(role);
      await lab.live(3, ['web-2']);
      if (role === 'scraper') await lab.live(2);
      expect(await lab.states(role)).toBe('a retiring, b active');
      await lab.rotate(role, { action: 'abort' });
      expect(await lab.states(role)).toBe('a active, b retiring');
      await lab.live(8);
      expect(await lab.states(role)).toBe('a active');
    },
  );

  it('from dropped: the former one is trusted again before it signs', async () => {
    const lab = await withFleet();
    await lab.rotate('scraper');
    while (lab.authorities.trusted('scraper').length < 2) await lab.live(1);
    while (lab.authorities.trusted('scraper').length > 1) await lab.live(1);
    const [first] = await lab.store.selectFrom('authorities').select('id').where('state', '=', 'retiring').execute();
    await lab.rotate('scraper', { action: 'abort' });
    expect(await lab.states('scraper')).toBe('a prepared, b active');
    await lab.live(10);
    expect(lab.authorities.active('scraper').id).toBe(first?.id);
    expect(await lab.states('scraper')).toBe('a active');
  });

  it('of the root: what was on its way to be issued by the new one goes back too', async () => {
    const lab = await withFleet();
    const [old] = lab.authorities.rootIds;
    await lab.rotate('root');
    await lab.live(4, []);
    expect(await lab.states('root')).toBe('a retiring, b active');
    await lab.rotate('root', { action: 'abort' });
    await lab.live(25);
    expect(lab.authorities.rootIds).toEqual([old]);
    const { authorities } = await lab.services.authorities.list();
    const issuers = authorities.filter(({ state, role }) => state === 'active' && role !== 'root');
    expect(issuers.map(({ issuedBy }) => issuedBy)).toEqual(issuers.map(() => old));
  });
});
