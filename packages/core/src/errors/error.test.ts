import { describe, expect, it } from 'vitest';
import { exitCodeOf, isTorchpassError, reasonOf, systemCodeOf, TorchpassError, toTorchpassError } from './error.ts';
import { ERROR_KINDS, type ErrorCode, type ErrorKind } from './table.ts';

/** As the documentation of every program says. */
const EXIT_CODES: Record<ErrorKind, number> = {
  usage: 2,
  invalid: 1,
  unauthenticated: 3,
  refused: 3,
  'not-found': 1,
  conflict: 1,
  exhausted: 1,
  unavailable: 1,
  failed: 1,
  internal: 1,
};

const CODES = Object.keys(ERROR_KINDS) as ErrorCode[];

it.each(CODES)('%s ends a program with the code of its kind', (code) => {
  const error = new TorchpassError(code, 'It failed.');
  expect(error.kind).toBe(ERROR_KINDS[code]);
  expect(exitCodeOf(error)).toBe(code === 'CONTROLLER_UNREACHABLE' ? 4 : EXIT_CODES[error.kind]);
});

it('every kind is in use, so that each exit code above was tried', () => {
  expect([...new Set(Object.values(ERROR_KINDS))].toSorted()).toEqual(Object.keys(EXIT_CODES).toSorted());
});

it('the sentence is the message and the next step', () => {
  expect(new TorchpassError('USAGE', 'No.').sentence).toBe('No.');
  expect(new TorchpassError('USAGE', 'No.', { hint: 'Do that.' }).sentence).toBe('No. Do that.');
});

describe('an unknown error', () => {
  it('becomes internal and says nothing of itself but in the cause', () => {
    const cause = new Error('password=hunter2 in /etc/x');
    const error = toTorchpassError(cause);
    expect(error.code).toBe('INTERNAL');
    expect(error.cause).toBe(cause);
    expect(`${error.sentence}${JSON.stringify(error)}`).not.toMatch(/hunter2|etc/);
  });

  it('may be anything', () => {
    for (const thrown of [undefined, null, 'text', 7, {}]) expect(toTorchpassError(thrown).code).toBe('INTERNAL');
  });

  it('is not mistaken for ours because of its properties', () => {
    expect(isTorchpassError({ name: 'TorchpassError', code: 'USAGE' })).toBe(false);
  });
});

it('our own errors stay themselves and are told apart by code', () => {
  const error = new TorchpassError('NOT_FOUND', 'No such host.');
  expect(toTorchpassError(error)).toBe(error);
  expect(isTorchpassError(error)).toBe(true);
  expect(isTorchpassError(error, 'USAGE', 'NOT_FOUND')).toBe(true);
  expect(isTorchpassError(error, 'USAGE')).toBe(false);
});

it('reads the code and the reason of a system error', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect([systemCodeOf(error), reasonOf(error)]).toEqual(['ENOSPC', 'ENOSPC: no space left on device, write']);
  expect(systemCodeOf(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
  expect(systemCodeOf({ code: 'ENOSPC' })).toBeUndefined();
  expect(reasonOf('text')).toBe('text');
});
