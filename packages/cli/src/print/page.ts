import type pico from 'picocolors';
import { tableLines, type Column } from './table.ts';
import { absolute, relative } from './time.ts';

export type Colors = ReturnType<typeof pico.createColors>;

/** The text that a command prints for people. */
export interface Page {
  readonly colors: Colors;
  line(text?: string): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  /** Names and values, one a line, aligned. */
  fields(pairs: readonly (readonly [name: string, value: string])[]): void;
  /** How long ago or ahead, in words; `-` for null. */
  relative(time: string | null): string;
  /** The date too. */
  absolute(time: string | null): string;
}

export function createPage(options: { now: Date; colors: Colors; write: (text: string) => void }): Page {
  const { now, colors, write } = options;
  const lines = (texts: readonly string[]) => {
    for (const text of texts) write(`${text}\n`);
  };
  return {
    colors,
    line: (text = '') => lines([text]),
    table: (columns, rows) => lines(tableLines(columns, rows, (title) => colors.dim(title.toUpperCase()))),
    fields: (pairs) =>
      lines(
        tableLines<(typeof pairs)[number]>(
          [
            { title: '', value: ([name]) => colors.dim(name) },
            { title: '', value: ([, value]) => value },
          ],
          pairs,
        ),
      ),
    relative: (time) => (time === null ? '-' : relative(time, now)),
    absolute: (time) => (time === null ? '-' : absolute(time, now)),
  };
}
