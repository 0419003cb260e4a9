import { describe, expect, it } from 'vitest';
import { Lanes, type Lane } from './lanes.ts';

/** Work that ends when the test says so, and the order in which it began. */
function bench(options: Partial<ConstructorParameters<typeof Lanes>[0]> = {}) {
  const lanes = new Lanes({ most: 3, reserved: 1, mostWaiting: 2, ...options });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    lanes,
    begun,
    run(lane: Lane, name: string, signal?: AbortSignal) {
      const work = () => {
        begun.push(name);
        return new Promise<string>((resolve) => void ends.set(name, () => resolve(name)));
      };
      return lanes.run(lane, work, signal);
    },
    async end(name: string) {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

describe('Lanes', () => {
  it('keeps a share that strangers cannot take', async () => {
    const { run, begun, lanes } = bench();
    for (const name of ['a', 'b', 'c']) void run('stranger', name);
    void run('host', 'h');
    await new Promise(setImmediate);
    expect(begun).toEqual(['a', 'b', 'h']);
    expect([lanes.running('stranger'), lanes.waiting('stranger')]).toEqual([2, 1]);
  });

  it('lets a host that waits go before strangers that waited longer', async () => {
    const { run, begun, end } = bench({ most: 1, reserved: 0 });
    void run('stranger', 'first');
    void run('stranger', 'second');
    void run('host', 'host');
    await new Promise(setImmediate);
    await end('first');
    await end('host');
    expect(begun).toEqual(['first', 'host', 'second']);
  });

  it('refuses when too many wait, strangers without hosts', async () => {
    const { run, begun } = bench();
    for (const name of ['a', 'b', 'c', 'd']) void run('stranger', name);
    await expect(run('stranger', 'e')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    void run('host', 'h');
    await new Promise(setImmediate);
    expect(begun).toContain('h');
  });

  it('forgets who gave up waiting', async () => {
    const { run, begun, end, lanes } = bench({ most: 1, reserved: 0 });
    void run('host', 'first');
    const gone = new AbortController();
    const second = run('host', 'second', gone.signal);
    const third = run('host', 'third');
    gone.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect(lanes.waiting('host')).toBe(1);
    await end('first');
    await end('third');
    expect(await third).toBe('third');
    expect(begun).toEqual(['first', 'third']);
  });

  it('gives its place back when the work fails, once', async () => {
    const { lanes } = bench({ most: 1, reserved: 0 });
    await expect(lanes.run('host', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    const leave = await lanes.enter('host');
    leave();
    leave();
    expect(lanes.running('host')).toBe(0);
  });
});
