import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { short, type Row } from './measurement.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/performance.md');
const [BEGIN, END] = ['<!-- figures: written by "npm run bench -- --document" -->', '<!-- end of figures -->'];

export interface Result {
  name: string;
  does: string;
  seconds: number;
  rows: Row[];
  remarks: string[];
}

/** Puts the figures between the two marks of docs/performance.md. */
export async function document(machine: Machine, results: readonly Result[]): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} has lost the marks between which the figures go.`);
  const figures = [machineLine(machine), ...results.map(section)].join('\n\n');
  await writeFile(DOCUMENT, `${text.slice(0, from + BEGIN.length)}\n\n${figures}\n\n${text.slice(to)}`);
}

export function machineLine({ processor, cores, memoryGiB, kernel, node, load }: Machine): string {
  return `${processor}, ${cores} virtual cores, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}; load before the start: ${load.toFixed(1)}.`;
}

function section({ name, does, rows, remarks }: Result): string {
  const lines = rows.map(({ what, median, min, max, samples, unit }) => {
    const range = samples === 1 ? '' : `${short(min)} to ${short(max)}`;
    return `| ${what.replace(/^ +/, '… ')} | ${short(median)} ${unit} | ${range} | ${samples} |`;
  });
  const table = ['| what | median | range | samples |', '| --- | --- | --- | --- |', ...lines].join('\n');
  return [`### ${name}`, does, table, ...remarks].join('\n\n');
}
