import { describe, expect, it } from 'vitest';
import { openLab, type Lab } from '../testing/lab.ts';
import { stranger } from './actor.ts';

const MINUTE_MS = 60_000;

const entries = async (lab: Lab) => {
  const rows = await lab.store.selectFrom('audit_log').selectAll().orderBy('number').execute();
  // After the certificates of Prometheus itself.
  return rows.slice(2).map(({ event, actor, subject, details }) => ({
    event,
    from: (JSON.parse(actor) as string[])[2],
    subject,
    details: JSON.parse(details) as Record<string, unknown>,
  }));
};

const knock = (lab: Lab, from: string, subject = 'token') =>
  lab.refusals.note({ event: 'token.rejected', by: stranger(from), subject, details: { reason: 'unknown token' } });

const countsOf = async (lab: Lab) => {
  let total = 0;
  for (const { event, details } of await entries(lab)) {
    if (event === 'token.rejected') total += Number(details['repeated'] ?? 1);
    if (event === 'refusals.summarized') total += Number(details['token.rejected'] ?? 0);
  }
  return total;
};

describe('refusals', () => {
  it('are on record before the answer, the first of each address; repetitions are counted', async () => {
    const lab = await openLab();
    await knock(lab, '198.51.100.7');
    await knock(lab, '198.51.100.8');
    expect((await entries(lab)).map(({ from }) => from)).toEqual(['198.51.100.7', '198.51.100.8']);
    for (let n = 0; n < 500; n += 1) await knock(lab, '198.51.100.7', `token ${n}`);
    await lab.refusals.flush();
    expect(await entries(lab)).toHaveLength(2);
    lab.clock.advance(10 * MINUTE_MS);
    await lab.refusals.flush();
    expect((await entries(lab)).slice(2)).toEqual([
      {
        event: 'token.rejected',
        from: '198.51.100.7',
        subject: 'token 499',
        details: { reason: 'unknown token', repeated: 500 },
      },
    ]);
  });

  it('from a whole IPv6 network are those of one address', async () => {
    const lab = await openLab();
    for (let n = 1; n < 50; n += 1) await knock(lab, `2001:db8:0:1::${n.toString(16)}`);
    expect(await entries(lab)).toHaveLength(1);
  });

  it('of a flood from everywhere write few entries, in bounded memory, and are all counted', async () => {
    const lab = await openLab();
    const FLOOD = 20_000;
    for (let n = 0; n < FLOOD; n += 1) await knock(lab, `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    expect(await entries(lab)).toHaveLength(120);
    lab.clock.advance(10 * MINUTE_MS);
    await lab.refusals.flush();
    const all = await entries(lab);
    expect(all.length).toBeLessThanOrEqual(120 + 10 + 1);
    expect(all.at(-1)?.event).toBe('refusals.summarized');
    expect(await countsOf(lab)).toBe(FLOOD);
    const { values } = (await lab.metrics.registry.getMetricsAsJSON()).find(
      ({ name }) => name === 'torchpass_refusals_total',
    ) ?? { values: [] };
    expect(values.find(({ labels }) => labels['event'] === 'token.rejected')?.value).toBe(FLOOD);
  });

  it('that never end, from ever new addresses, cannot push acts out within the retention', async () => {
    const lab = await openLab();
    const { retention, most_entries } = lab.config.audit;
    const DAYS = 2;
    for (let minute = 0; minute < DAYS * 1440; minute += 1) {
      for (let n = 0; n < 5; n += 1) await knock(lab, `10.${minute >> 8}.${minute & 255}.${n}`);
      lab.clock.advance(MINUTE_MS);
      await lab.refusals.flush();
    }
    const perDay = ((await entries(lab)).length - 120) / DAYS;
    expect(perDay).toBeGreaterThan(1000);
    expect((perDay * retention) / (1440 * MINUTE_MS)).toBeLessThan(most_entries * 0.7);
    expect(await countsOf(lab)).toBeGreaterThan(DAYS * 1440 * 5 - 60);
  });

  it('that cannot be written are counted, refuse all the same, and are written later', async () => {
    let broken = false;
    const { watchStatements } = await import('../testing/crash-dialect.ts');
    const lab = await openLab({
      seams: {
        wrapDialect: watchStatements((statement) => {
          if (broken && statement.startsWith('insert into "audit_log"')) throw new Error('database or disk is full');
        }),
      },
    });
    broken = true;
    await knock(lab, '198.51.100.7');
    await knock(lab, '198.51.100.7');
    lab.clock.advance(10 * MINUTE_MS);
    await lab.refusals.flush();
    broken = false;
    expect(await entries(lab)).toEqual([]);
    expect(lab.logged.join('')).toContain('database or disk is full');
    await lab.refusals.flush('now');
    expect(await countsOf(lab)).toBe(2);
  });
});
