import { describe, expect, it, vi } from 'vitest';
import { changeAuthority } from '../issuance/authority-rows.ts';
import type { Lab } from '../testing/lab.ts';
import { agree, withFleet } from '../testing/rotating-fleet.ts';
import type { AuthorityRole } from './situation.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const SECOND = 1000;
const YEAR = 365 * 86_400 * SECOND;

const blockers = async ({ services }: Lab, role: AuthorityRole) => {
  const { rotations } = await services.authorities.list();
  return rotations.find((rotation) => rotation.role === role)?.blockers.map(({ kind, name }) => `${kind} ${name}`);
};

describe('a clock that jumps', () => {
  const rowsOf = ({ store }: Lab) =>
    store.selectFrom('authorities').select(['id', 'state', 'key_reference', 'activated_at']).orderBy('id').execute();

  it.each([10, -10])(
    'by %i years and back leaves every authority as it was, and all goes on by itself',
    async (years) => {
      const lab = await withFleet();
      await lab.rotate('exporter');
      await lab.live(1, ['web-2']);
      expect(await lab.states('exporter')).toBe('a retiring, b active');
      const before = await rowsOf(lab);
      lab.clock.advance(years * YEAR);
      for (let pass = 0; pass < 5; pass += 1) {
        await lab.rotation.advance();
        lab.clock.advance(2 * SECOND);
      }
      expect(await blockers(lab, 'exporter')).toContain('controller clock');
      lab.clock.advance(-years * YEAR);
      await lab.live(5);
      expect(await rowsOf(lab)).toEqual(before);
      const { rotations } = await lab.services.authorities.list();
      expect(rotations.map(({ role }) => role)).toEqual(['exporter']);

      await agree(lab);
      await lab.live(3);
      expect(await lab.states('exporter')).toBe('b active');
      expect(await lab.store.selectFrom('rotations').selectAll().execute()).toEqual([]);
    },
  );

  it('while the controller was off is noticed, too', async () => {
    const lab = await withFleet();
    const before = await rowsOf(lab);
    lab.clock.advance(10 * YEAR);
    await lab.rotation.advance();
    expect(await rowsOf(lab)).toEqual(before);
  });

  it('lets no authority sign whose life has not begun, nor the former one go, whoever asks', async () => {
    const lab = await withFleet();
    lab.clock.advance(YEAR);
    await lab.rotate('exporter', { action: 'step' });
    lab.clock.advance(-YEAR);
    await expect(lab.rotate('exporter', { action: 'step', force: true })).rejects.toMatchObject({
      code: 'ROTATION_BLOCKED',
    });
    expect(await lab.states('exporter')).toBe('a active, b prepared');
    await lab.rotate('exporter', { action: 'abort' });

    lab.clock.advance(YEAR);
    await lab.rotate('agent');
    lab.clock.advance(-YEAR);
    await agree(lab);
    await lab.live(6);
    expect(await lab.states('agent')).toBe('a retiring, b active');
    expect(await blockers(lab, 'agent')).toContain('controller clock');
    await lab.rotate('agent', { action: 'abort' });
    await lab.live(6);
    expect(await lab.states('agent')).toBe('a active');
  });

  it('is not believed about when Prometheus read something', async () => {
    const lab = await withFleet();
    await lab.rotate('exporter');
    const future = new Date(lab.clock.now().getTime() + YEAR).toISOString();
    const { id } = await lab.store
      .selectFrom('authorities')
      .select('id')
      .where('state', '=', 'prepared')
      .executeTakeFirstOrThrow();
    await changeAuthority(lab.store, lab.authorities.authentic, id, { distributed_at: future });
    await lab.live(2);
    expect(await lab.states('exporter')).toContain('b active');
  });
});
