import type { Store } from '../store/store.ts';
import { warning, type Finding } from './finding.ts';

/** Certificates that follow one another: the one that was issued later is also the one that begins later. */
export async function checkLines(store: Store): Promise<Finding[]> {
  const rows = await store
    .selectFrom('certificates')
    .select(['serial', 'host_id', 'role', 'subject_name', 'issued_at', 'not_before'])
    .where('issued_at', 'is not', null)
    .orderBy('host_id')
    .orderBy('role')
    .orderBy('subject_name')
    .orderBy('issued_at')
    .execute();
  return rows.flatMap((row, index) => {
    const before = rows[index - 1];
    const follows =
      before !== undefined &&
      before.host_id === row.host_id &&
      before.role === row.role &&
      before.subject_name === row.subject_name;
    if (!follows) return [];
    const subject = `certificate ${row.serial} (${row.role})`;
    if (before.issued_at === row.issued_at) {
      return [
        warning(subject, `It was issued at the same moment as ${before.serial} of its line: neither is the newest.`),
      ];
    }
    return row.not_before < before.not_before
      ? [warning(subject, `It was issued after ${before.serial} of its line, and begins before it.`)]
      : [];
  });
}
