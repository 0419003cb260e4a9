import { eventually } from '../harness/eventually.ts';

const EVERY_MS = 5;
const WITHIN_MS = 60_000;

/** When each thing was first seen to be so, in milliseconds since this was made. */
export class Milestones {
  readonly #begun = performance.now();
  readonly #reached = new Map<string, number>();

  /** What happens now. Only the first time counts. */
  mark(name: string): void {
    if (!this.#reached.has(name)) this.#reached.set(name, performance.now() - this.#begun);
  }

  /** Looks every few milliseconds, until it is so. */
  async watch(name: string, isSo: () => boolean | Promise<boolean>, everyMs = EVERY_MS): Promise<void> {
    await eventually(
      async () => {
        if (!(await isSo())) throw new Error(`it did not come to: ${name}`);
      },
      { withinMs: WITHIN_MS, everyMs },
    );
    this.mark(name);
  }

  of(name: string): number {
    return this.#reached.get(name) ?? Number.NaN;
  }
}
