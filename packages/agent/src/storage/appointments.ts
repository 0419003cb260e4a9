import type { Files } from '@torchpass/core';
import type { Appointments } from '../identity/due.ts';
import { type Layout, PRIVATE_FILE } from './layout.ts';

/** When the controller wants certificates to be renewed, as it said last; kept for the time when it cannot be asked. */
export async function readAppointments(layout: Layout, files: Files): Promise<Appointments> {
  const text = (await files.read(layout.appointments))?.toString('utf8');
  try {
    const entries = Object.entries(JSON.parse(text ?? '{}') as Record<string, unknown>);
    return new Map(entries.flatMap(([serial, at]) => (isTime(at) ? [[serial, new Date(at)]] : [])));
  } catch {
    // Without them each certificate has its own point.
    return new Map();
  }
}

/** Nothing is written when they are the ones that are known. */
export async function writeAppointments(layout: Layout, appointments: Appointments, files: Files): Promise<void> {
  const known = textOf(await readAppointments(layout, files));
  const text = textOf(appointments);
  if (text === known) return;
  await files.write(layout.appointments, { data: text, ...PRIVATE_FILE });
}

function textOf(appointments: Appointments): string {
  const entries = [...appointments].map(([serial, at]) => [serial, at.toISOString()] as const);
  return `${JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))))}\n`;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(new Date(value).getTime());
}
