import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scope } from '../../harness/scope.ts';
import { workspace } from '../../harness/workspace.ts';
import { row, type Row } from '../measurement.ts';

const PAGE = Buffer.alloc(4096, 1);
const WRITES = 200;

/** How long the disk takes for what every durable commit waits for: four KiB appended, then fdatasync. */
export async function fsyncRows(scope: Scope): Promise<Row[]> {
  const file = await open(join(await workspace(scope), 'append'), 'w');
  const milliseconds: number[] = [];
  try {
    for (let index = 0; index < WRITES; index += 1) {
      const begun = performance.now();
      await file.write(PAGE);
      await file.datasync();
      milliseconds.push(performance.now() - begun);
    }
  } finally {
    await file.close();
  }
  return [row('the disk: append 4 KiB and fdatasync', 'ms', milliseconds)];
}
