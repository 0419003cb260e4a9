import SqliteDatabase from 'better-sqlite3';
import { join } from 'node:path';
import type { LabSurroundings } from './surroundings.ts';

/** Changes one row of the database as somebody would who has the file, and neither the controller nor the passphrase. */
export function written(
  { config }: Pick<LabSurroundings, 'config'>,
  statement: string,
  ...values: (string | number | null | Uint8Array)[]
): void {
  const database = new SqliteDatabase(join(config.storage_path, 'torchpass.db'));
  const { changes } = database.prepare(statement).run(...values);
  database.close();
  if (changes !== 1) throw new Error(`${changes} rows were changed, and not one`);
}
