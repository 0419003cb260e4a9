import { expect, it } from 'vitest';
import { Shares } from './shares.ts';

it('gives each caller its share, in order, and forgets who has nothing under way', async () => {
  const shares = new Shares(2);
  const { signal } = new AbortController();
  const first = await shares.enter('a', signal);
  const second = await shares.enter('a', signal);
  const other = await shares.enter('b', signal);
  const third = shares.enter('a', signal);
  const gone = new AbortController();
  const fourth = shares.enter('a', gone.signal);
  expect([shares.waiting('a'), shares.waiting('b'), shares.size]).toEqual([2, 0, 2]);
  gone.abort(new Error('gone'));
  await expect(fourth).rejects.toThrow('gone');
  first();
  first();
  const leaveThird = await third;
  for (const leave of [second, other, leaveThird]) leave();
  expect([shares.waiting('a'), shares.size]).toEqual([0, 0]);
});
