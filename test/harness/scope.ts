/** What has to be ended, in the reverse order of how it was begun. */
export interface Scope {
  /** Also run when an earlier one fails. */
  defer(end: () => Promise<void> | void): void;
  /** Ends everything; the second call finds nothing left. Throws the first error once all were tried. */
  end(): Promise<void>;
}

export function createScope(): Scope {
  const ends: (() => Promise<void> | void)[] = [];
  return {
    defer: (end) => void ends.push(end),
    async end() {
      const errors: unknown[] = [];
      for (let next = ends.pop(); next !== undefined; next = ends.pop()) {
        try {
          await next();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}

/** For programs that are not run by the test runner: Ctrl-C ends the scope, then the program. */
export function endOnSignals(scope: Scope): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const handle = () => void scope.end().finally(() => process.kill(process.pid, signal));
    process.once(signal, handle);
    scope.defer(() => void process.off(signal, handle));
  }
}
