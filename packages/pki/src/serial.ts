import type { Random } from '@torchpass/core';

/**
 * The content octets of a serial number (RFC 5280, 4.1.2.2): 16 bytes, positive, minimal DER, 126 random bits. The top
 * two bits are 01, so that its hex always has 32 digits.
 */
export function newSerialNumber(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
