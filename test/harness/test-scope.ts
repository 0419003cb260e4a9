import { afterAll, onTestFinished } from 'vitest';
import { createScope, type Scope } from './scope.ts';

/** Ends when the test that calls this has finished, also when it failed or ran out of time. */
export function testScope(): Scope {
  const scope = createScope();
  onTestFinished(() => scope.end());
  return scope;
}

/** Ends after all tests of the `describe` (or file) that calls this. */
export function suiteScope(): Scope {
  const scope = createScope();
  afterAll(() => scope.end());
  return scope;
}
