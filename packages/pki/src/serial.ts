import type { Random } from '@torchpass/core';

const LENGTH = 16;

/**
 * The content octets of a serial number (RFC 5280, 4.1.2.2): 16 bytes, positive, minimal DER, 126 random bits. The top
 * two bits are 01, so that its hex always has 32 digits.
 */
export function newSerialNumber(random: Random): Buffer {
  const octets = Buffer.from(random.bytes(LENGTH));
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return octets;
}

/** Whether `newSerialNumber` could have made it. */
export function isSerialNumber(octets: Uint8Array): boolean {
  return octets.length === LENGTH && ((octets[0] ?? 0) & 0xc0) === 0x40;
}
