import { stripVTControlCharacters } from 'node:util';

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  align?: 'right';
}

const GAP = '  ';
const letters = new Intl.Segmenter();

/** Lines of a table with aligned columns and no trailing spaces. Cells may have colours; line feeds become spaces. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paintTitle: (title: string) => string = (title) => title,
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row).replaceAll('\n', ' ')));
  const titles = columns.map((column) => paintTitle(column.title));
  const lines = columns.every((column) => column.title === '') ? cells : [titles, ...cells];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? ''))));
  return lines.map((line) =>
    line
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
      .join(GAP)
      .trimEnd(),
  );
}

function pad(cell: string, wanted: number, align: 'right' | undefined): string {
  const space = ' '.repeat(Math.max(0, wanted - width(cell)));
  return align === 'right' ? space + cell : cell + space;
}

function width(text: string): number {
  return Array.from(letters.segment(stripVTControlCharacters(text))).length;
}
