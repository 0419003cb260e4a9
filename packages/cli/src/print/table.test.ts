import { describe, expect, it } from 'vitest';
import { tableLines } from './table.ts';

const columns = [
  { title: 'name', value: (row: string[]) => row[0] ?? '' },
  { title: 'number', value: (row: string[]) => row[1] ?? '', align: 'right' as const },
  { title: 'note', value: (row: string[]) => row[2] ?? '' },
];

describe('tableLines', () => {
  it('aligns, to the right where asked, without trailing spaces', () => {
    expect(
      tableLines(columns, [
        ['a', '1', ''],
        ['bbbbbb', '10000000', 'x'],
      ]),
    ).toEqual(['name      number  note', 'a              1', 'bbbbbb  10000000  x']);
  });

  it('does not count colours, and counts letters rather than code units', () => {
    const lines = tableLines(columns, [
      ['\u001b[31mred\u001b[39m', '1', 'x'],
      ['e\u0301té', '1', 'x'],
    ]);
    expect(lines[1]).toBe('\u001b[31mred\u001b[39m        1  x');
    expect(lines[2]).toBe('e\u0301té        1  x');
  });

  it('keeps a row on one line', () => {
    expect(tableLines(columns, [['a\nb', '1', 'x']])).toHaveLength(2);
  });

  it('has no titles where there are none', () => {
    expect(tableLines([{ title: '', value: (row: string) => row }], ['a'])).toEqual(['a']);
  });
});
