import type { Files } from '@torchpass/core';
import { type Layout, PRIVATE_FILE } from './layout.ts';

/** What the last pass found out: for people who ask. Nothing is decided by it. */
export interface LastPass {
  /** ISO 8601. */
  at: string;
  /** When the next pass is due, ISO 8601. */
  nextAt: string | undefined;
  /** How many passes failed in a row; undefined is none. */
  failures?: number;
  /** What stopped the pass, or was still missing at its end. */
  problems: { what: string; hint?: string | undefined }[];
  /** What the controller said when it was last heard, which may be passes ago. */
  checkIn: { at: string; exporters: { name: string; state: string; target: string; problem: string }[] } | undefined;
}

export async function writeLastPass(layout: Layout, pass: LastPass, files: Files): Promise<void> {
  await files.write(layout.status, { data: `${JSON.stringify(pass)}\n`, ...PRIVATE_FILE });
}

export async function readLastPass(layout: Layout, files: Files): Promise<LastPass | undefined> {
  const text = (await files.read(layout.status))?.toString('utf8');
  if (text === undefined) return undefined;
  try {
    const pass = JSON.parse(text) as LastPass;
    const checkedIn = pass.checkIn === undefined || Array.isArray(pass.checkIn.exporters);
    return typeof pass.at === 'string' && Array.isArray(pass.problems) && checkedIn ? pass : undefined;
  } catch {
    return undefined;
  }
}
