import { short, type Row } from './measurement.ts';

const COLUMNS = ['median', 'min', 'max', 'n'] as const;

/** Rows as aligned text, one line each, under a heading. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.what, ...numbers(row), row.unit]);
  const all = [['', ...COLUMNS, ''], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  return all
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 || column === line.length - 1 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}\n`)
    .join('');
}

function numbers({ median, min, max, samples }: Row): string[] {
  return samples === 1 ? [short(median), '', '', '1'] : [short(median), short(min), short(max), String(samples)];
}
