import { format, inspect } from 'node:util';
import { expect, it } from 'vitest';
import { createLogger } from './logging/logging.ts';
import { Secret } from './secret.ts';

const VALUE = 'hunter2-hunter2';
const secret = new Secret(VALUE);
const holder = { deep: [{ secret }] };

const WAYS: Record<string, () => unknown> = {
  'a template': () => `${secret}`,
  'a sum': () => 'a' + String(secret) + [secret].join(),
  JSON: () => JSON.stringify({ secret, holder }),
  inspect: () => inspect(holder, { depth: 9, showHidden: true, getters: true }),
  'inspect without customs': () => inspect(holder, { depth: 9, showHidden: true, customInspect: false }),
  format: () => format('%s %o %O %j %i', secret, secret, holder, holder, secret),
  'its properties': () => inspect([Reflect.ownKeys(secret), Object.entries(secret), Object.assign({}, secret)]),
  'a clone': () => inspect(structuredClone({ secret }), { showHidden: true }),
  'an error': () => inspect(new Error(`no ${secret}`, { cause: secret }), { depth: 9 }),
};

it.each(Object.entries(WAYS))('%s does not show it', (_, show) => {
  expect(String(show())).not.toContain('hunter2');
});

it.each(['logfmt', 'json'] as const)('no %s log shows it', (logFormat) => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', format: logFormat, write: (line) => lines.push(line) });
  logger.info('a', { secret, holder, list: [secret], error: new Error('x', { cause: secret }) });
  logger.with({ secret }).error('b', { error: secret });
  expect(lines).toHaveLength(2);
  expect(lines.join('')).toContain('[secret]');
  expect(lines.join('')).not.toContain('hunter2');
});

it('is given to who asks for it', () => {
  expect(secret.reveal()).toBe(VALUE);
  const bytes = new Secret(Buffer.from('k'));
  expect(bytes.reveal()).toEqual(Buffer.from('k'));
});
