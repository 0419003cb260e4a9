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

it('one address of a host cannot take the turns of others, be they hosts or strangers', SOON, async () => {
  const { stall, shakeHands, handshakes, reasons } = await openPort(ROOMY);
  for (let n = 0; n < 63; n += 1) await stall(HOME);
  await shakeHands('127.0.3.1');
  await shakeHands('127.0.2.1');
  expect([handshakes.running('host'), handshakes.waiting('host'), reasons]).toEqual([8, 0, []]);
});

it('what one address leaves unfinished loses its turn to the next from there', SOON, async () => {
  const { stall, shakeHands, handshakes, clock, reasons } = await openPort(ROOMY);
  for (let n = 0; n < 8; n += 1) await stall(HOME);
  await expect.poll(() => handshakes.running('host')).toBe(8);
  clock.advance(1000);
  let isIn = false;
  const next = shakeHands(HOME).then(() => (isIn = true));
  await shakeHands('127.0.3.1');
  expect([isIn, reasons]).toEqual([false, []]);
  clock.advance(1000);
  await next;
  expect(new Set(reasons)).toEqual(new Set(['stalled']));
});

it('handshakes that many addresses of hosts leave unfinished lose their turn to who waits', SOON, async () => {
  const { stall, shakeHands, handshakes, clock, reasons } = await openPort(ROOMY);
  for (let n = 0; n < 64; n += 1) await stall(`127.0.3.${10 + (n % 8)}`);
  await expect.poll(() => handshakes.running('host')).toBe(64);
  const waiting = [shakeHands(HOME), shakeHands('127.0.2.1')];
  await expect.poll(() => [handshakes.waiting('host'), handshakes.waiting('stranger')]).toEqual([1, 1]);
  clock.advance(2000);
  await Promise.all(waiting);
  expect(new Set(reasons)).toEqual(new Set(['stalled']));
});

it('a slow handshake of a host keeps its turn while strangers wait only for one another', SOON, async () => {
  const { stall, handshakes, clock, reasons } = await openPort(ROOMY);
  await stall(HOME);
  for (let n = 0; n < 40; n += 1) await stall(`127.0.1.${1 + (n % 20)}`);
  await expect.poll(() => [handshakes.running('host'), handshakes.waiting('stranger')]).toEqual([1, 8]);
  clock.advance(2000);
  await expect.poll(() => reasons.length).toBeGreaterThan(0);
  expect(handshakes.running('host')).toBe(1);
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
  for (let n = 0; n < 32 + 256 + 3; n += 1) await stall(`127.0.1.${1 + (n % 40)}`);
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
