import { expect, it } from 'vitest';
import { HOME, openPort } from './testing/open-port.ts';

/** What is tested has to act before handshakes time out by themselves. */
const SOON = { timeout: 8000 };
const ROOMY = { mostConnections: 1000, rateFactor: 1 };
const turn = () => new Promise((resolve) => void setImmediate(resolve));

it('while strangers leave handshakes unfinished those of hosts are made, and strangers take turns', SOON, async () => {
  const { stall, shakeHands, handshakes, clock, reasons } = await openPort(ROOMY);
  for (let n = 0; n < 40; n += 1) await stall(`127.0.1.${1 + (n % 20)}`);
  await expect.poll(() => [handshakes.running('stranger'), handshakes.waiting('stranger')]).toEqual([32, 8]);
  await shakeHands(HOME);
  let isIn = false;
  const stranger = shakeHands('127.0.2.1').then(() => (isIn = true));
  await expect.poll(() => handshakes.waiting('stranger')).toBe(9);
  clock.advance(1999);
  await turn();
  expect([isIn, reasons]).toEqual([false, []]);
  clock.advance(1);
  await stranger;
  expect(new Set(reasons)).toEqual(new Set(['stalled']));
});

it('an unfinished handshake keeps its turn while nobody waits', SOON, async () => {
  const { stall, handshakes, clock, reasons } = await openPort(ROOMY);
  await stall('127.0.1.1');
  await expect.poll(() => handshakes.running('stranger')).toBe(1);
  clock.advance(2000);
  await turn();
  expect([handshakes.running('stranger'), reasons]).toEqual([1, []]);
});

it('a connection that has not begun takes no turn', SOON, async () => {
  const { dial, shakeHands, handshakes } = await openPort(ROOMY);
  for (let n = 0; n < 100; n += 1) await dial(`127.0.1.${1 + (n % 20)}`);
  await shakeHands('127.0.2.1');
  await expect.poll(() => handshakes.running('stranger')).toBe(0);
  expect(handshakes.waiting('stranger')).toBe(0);
});

it('no more than a bounded number wait, and hosts wait in a queue of their own', SOON, async () => {
  const { stall, shakeHands, handshakes, reasons } = await openPort(ROOMY);
  for (let n = 0; n < 32 + 256 + 3; n += 1) await stall(`127.0.1.${1 + (n % 20)}`);
  await expect.poll(() => reasons).toEqual(['busy', 'busy', 'busy']);
  expect(handshakes.waiting('stranger')).toBe(256);
  await shakeHands(HOME);
});

it('what is no handshake gives its turn back', SOON, async () => {
  const { dial, handshakes, count } = await openPort(ROOMY);
  for (let n = 0; n < 50; n += 1) (await dial('127.0.1.1')).write(`GET / HTTP/1.1\r\n\r\n${'x'.repeat(100_000)}`);
  await expect.poll(() => count()).toBe(0);
  expect([handshakes.running('stranger'), handshakes.waiting('stranger')]).toEqual([0, 0]);
});
