import { error, type Finding } from './finding.ts';

/** Of 16 random bytes fewer than this many differ once in some ten thousand million times. */
const LEAST_DIFFERENT_BYTES = 9;

/**
 * Whether serial numbers are unique and hard to guess (CA/Browser Forum, Baseline Requirements, 7.1: 64 bits from a random source).
 * A counter, a clock or a poor source shows by halves that come again and by bytes that do.
 */
export function createSerialCheck() {
  const halves = [new Map<string, string>(), new Map<string, string>()] as const;

  return (subject: string, serial: string): Finding[] => {
    if (!/^[4-7][0-9a-f]{31}$/.test(serial)) return [error(subject, 'Its serial number is not one of ours.')];
    const found: Finding[] = [];
    const bytes = new Set(Buffer.from(serial, 'hex'));
    if (bytes.size < LEAST_DIFFERENT_BYTES) found.push(error(subject, 'Its serial number is not random.'));
    for (const [index, known] of halves.entries()) {
      const half = index === 0 ? serial.slice(0, 16) : serial.slice(16);
      const other = known.get(half);
      known.set(half, subject);
      if (other !== undefined) found.push(error(subject, `Its serial number repeats 64 bits of that of ${other}.`));
    }
    return found;
  };
}
