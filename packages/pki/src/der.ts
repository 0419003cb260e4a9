/** Writing DER (X.690): only the types that certificates need. Lengths are definite and minimal by construction. */

/** Identifier octets. Context-specific ones come from `context` and `contextConstructed`. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function context(number: number): number {
  return 0x80 | number;
}

export function contextConstructed(number: number): number {
  return 0xa0 | number;
}

/** One element: identifier, length, and the parts as its content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const octets = lengthOctets(length);
  // Every byte of it is written below.
  const whole = Buffer.allocUnsafe(1 + octets + length);
  whole[0] = tag;
  if (octets === 1) {
    whole[1] = length;
  } else {
    whole[1] = 0x80 | (octets - 1);
    whole.writeUIntBE(length, 2, octets - 1);
  }
  let position = 1 + octets;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, ...parts);
}

export function octetString(content: Uint8Array): Buffer {
  return element(TAG.octetString, content);
}

/** A BIT STRING of whole bytes. */
export function bitString(content: Uint8Array): Buffer {
  return element(TAG.bitString, Buffer.from([0]), content);
}

/** A BIT STRING with named bits (X.690, 11.2.2): no trailing zero bits. `bits` counts from the first, left-most bit. */
export function namedBits(...bits: readonly number[]): Buffer {
  const last = Math.max(...bits);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return element(TAG.bitString, Buffer.from([7 - (last & 7)]), bytes);
}

export function trueBoolean(): Buffer {
  return element(TAG.boolean, Buffer.from([0xff]));
}

/** A small INTEGER, 0 to 127. */
export function smallInteger(value: number): Buffer {
  return element(TAG.integer, Buffer.from([value & 0x7f]));
}

/** An INTEGER from 0 to 2^48 - 1. */
export function wholeNumber(value: number): Buffer {
  const octets = Buffer.alloc(7);
  octets.writeUIntBE(value, 1, 6);
  let first = octets.findIndex((octet) => octet !== 0);
  if (first === -1) first = octets.length - 1;
  // A zero octet before one whose top bit would make it negative.
  else if ((octets[first] ?? 0) >= 0x80) first -= 1;
  return element(TAG.integer, octets.subarray(first));
}

export function enumerated(value: number): Buffer {
  return element(TAG.enumerated, Buffer.from([value & 0x7f]));
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'));
}

const identifiers = new Map<string, Buffer>();

/** An OBJECT IDENTIFIER from dotted notation. Only those of `OID` are written: encoded once each. */
export function objectIdentifier(dotted: string): Buffer {
  const known = identifiers.get(dotted);
  if (known !== undefined) return known;
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const encoded = element(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
  identifiers.set(dotted, encoded);
  return encoded;
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    octets.unshift((left & 0x7f) | 0x80);
  }
  return octets;
}

/** How many octets the length takes (X.690, 8.1.3). */
function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : length < 0x100_0000 ? 4 : 5;
}
