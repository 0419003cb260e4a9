import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { ManualClock } from './testing/index.ts';

describe.each([
  { name: 'the system clock', clock: systemClock },
  { name: 'a manual clock', clock: new ManualClock() },
])('$name', ({ clock }) => {
  it('rejects with the reason of whoever aborts, before or during the pause', async () => {
    const reason = new Error('stopping');
    const stop = new AbortController();
    const pause = clock.sleep(60_000, stop.signal);
    stop.abort(reason);
    await expect(pause).rejects.toBe(reason);
    await expect(clock.sleep(60_000, stop.signal)).rejects.toBe(reason);
  });
});

it('the system clock does not wake at once from a pause that is too long for one timer', async () => {
  const stop = new AbortController();
  const pause = systemClock.sleep(2 ** 40, stop.signal).then(() => 'woke');
  expect(await Promise.race([pause.catch(() => 'stopped'), systemClock.sleep(20).then(() => 'asleep')])).toBe('asleep');
  stop.abort();
  await expect(pause).rejects.toThrow('aborted');
});

it('the system clock refuses a pause that is no number, instead of turning for ever', async () => {
  await expect(systemClock.sleep(Number.NaN)).rejects.toBeInstanceOf(RangeError);
});

describe('a manual clock', () => {
  it('moves only when told, and wakes who is due, the earliest first', async () => {
    const clock = new ManualClock(new Date('2030-01-01T00:00:00Z'));
    const woken: string[] = [];
    const sleeps = [
      clock.sleep(3000).then(() => woken.push('third')),
      clock.sleep(1000).then(() => woken.push('first')),
      clock.sleep(2000).then(() => woken.push('second')),
    ];
    expect(clock.nextWake).toEqual(new Date('2030-01-01T00:00:01Z'));
    clock.advance(999);
    await Promise.resolve();
    expect(woken).toEqual([]);
    clock.advance(2001);
    await Promise.all(sleeps);
    expect(woken).toEqual(['first', 'second', 'third']);
    expect(clock.now()).toEqual(new Date('2030-01-01T00:00:03Z'));
    expect(clock.nextWake).toBeUndefined();
  });

  it('can go back, as a bad clock does, and then wakes nobody', async () => {
    const clock = new ManualClock();
    const before = clock.now().getTime();
    void clock.sleep(1000);
    clock.advance(-5000);
    expect(clock.now().getTime()).toBe(before - 5000);
    expect(clock.nextWake?.getTime()).toBe(before + 1000);
  });

  it('forgets a sleeper that was stopped', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const pause = clock.sleep(1000, stop.signal);
    stop.abort();
    await expect(pause).rejects.toThrow('aborted');
    expect(clock.nextWake).toBeUndefined();
  });
});
