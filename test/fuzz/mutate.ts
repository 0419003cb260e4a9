import type { Random } from '@torchpass/core';

/** Makes inputs out of good ones: blindly, and along the structure of DER or of protobuf. */
export interface Mutations {
  bytes(input: Buffer): Buffer;
  der(input: Buffer): Buffer;
  protobuf(input: Buffer): Buffer;
  text(input: Buffer): Buffer;
}

const LARGEST = 64 * 1024;
const EDGES = [0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff];
const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x86, 0xa0, 0xa3, 0x1f, 0xbf,
];
const WORDS = [
  '\0',
  '\n',
  '"',
  "'",
  '{{',
  '*a',
  '&a ',
  '- ',
  ': ',
  '[',
  ']',
  '}',
  '%',
  '../',
  '::ffff:',
  '0x',
  '1e99',
  '-1',
  '\u2028',
  '\ud800',
  'null',
  '!!binary ',
  '<<: ',
  '__proto__',
  '１',
];

export function mutations(random: Random): Mutations {
  const below = (most: number) => Math.floor(random.fraction() * most);
  const oneOf = <T>(list: readonly T[], otherwise: T): T => list[below(list.length)] ?? otherwise;
  const part = (input: Buffer) => {
    const from = below(input.length + 1);
    return [from, from + below(Math.min(64, input.length - from) + 1)] as const;
  };
  const splice = (input: Buffer, from: number, to: number, put: Buffer) =>
    Buffer.concat([input.subarray(0, from), put, input.subarray(to)]).subarray(0, LARGEST);

  const bytes = (input: Buffer): Buffer => {
    const [from, to] = part(input);
    const chunk = input.subarray(from, to);
    switch (below(6)) {
      case 0:
        return splice(input, from, to, Buffer.alloc(0));
      case 1:
        return splice(input, from, from, Buffer.concat(Array<Buffer>(1 + below(20)).fill(chunk)));
      case 2:
        return splice(input, from, to, random.bytes(below(16)));
      case 3:
        return input.subarray(0, from);
      case 4:
        return splice(input, from, from + 1, Buffer.from([oneOf(EDGES, 0)]));
      default: {
        const copy = Buffer.from(input);
        const at = below(copy.length);
        if (copy.length > 0) copy.writeUInt8(copy.readUInt8(at) ^ (1 << below(8)), at);
        return copy;
      }
    }
  };

  /** Changes one element somewhere in the tree; the lengths around it are made right again, mostly. */
  const der = (input: Buffer): Buffer => {
    const elements = derElements(input);
    if (elements === undefined || elements.length === 0 || below(10) === 0) return bytes(input);
    const index = below(elements.length);
    const rebuilt = elements.map((element, position) => {
      if (position !== index) return element.whole;
      if ((element.tag & 0x20) !== 0 && below(3) > 0) return derElement(element.tag, der(element.content));
      switch (below(8)) {
        case 0:
          return Buffer.alloc(0);
        case 1:
          return Buffer.concat(Array<Buffer>(1 + below(50)).fill(element.whole));
        case 2:
          return derElement(oneOf(TAGS, 0x30), element.content);
        case 3:
          return Buffer.concat([Buffer.from([element.tag, 0x84]), random.bytes(4), element.content]);
        case 4:
          return Buffer.concat([Buffer.from([element.tag, 0x80]), element.content, Buffer.from([0, 0])]);
        case 5:
          return Array.from({ length: below(60) }).reduce<Buffer>((inner) => derElement(0x30, inner), element.whole);
        case 6:
          return derElement(element.tag, random.bytes(below(300)));
        default:
          return derElement(element.tag, bytes(element.content));
      }
    });
    return Buffer.concat(rebuilt).subarray(0, LARGEST);
  };

  /** Changes one field: left out, repeated, of another wire type or number, nested in itself, of a length that is not there. */
  const protobuf = (input: Buffer): Buffer => {
    const fields = protobufFields(input);
    if (fields === undefined || fields.length === 0 || below(10) === 0) return bytes(input);
    const index = below(fields.length);
    const rebuilt = fields.map((field, position) => {
      if (position !== index) return field.whole;
      switch (below(7)) {
        case 0:
          return Buffer.alloc(0);
        case 1:
          return Buffer.concat(Array<Buffer>(1 + below(100)).fill(field.whole));
        case 2:
          return Buffer.concat([varint(field.number * 8 + below(8)), field.content]);
        case 3:
          return lengthPrefixed(1 + below(30), field.content);
        case 4:
          return Buffer.concat([varint(field.number * 8 + 2), varint(2 ** 31 + below(1000)), field.content]);
        case 5:
          return lengthPrefixed(field.number, lengthPrefixed(field.number, field.content));
        default:
          return lengthPrefixed(field.number, below(2) === 0 ? protobuf(field.content) : bytes(field.content));
      }
    });
    return Buffer.concat(rebuilt).subarray(0, LARGEST);
  };

  const text = (input: Buffer): Buffer => {
    if (below(2) === 0) return bytes(input);
    const [from, to] = part(input);
    return splice(input, from, below(2) === 0 ? from : to, Buffer.from(oneOf(WORDS, '').repeat(1 + below(8))));
  };

  return { bytes, der, protobuf, text };
}

interface DerElement {
  tag: number;
  content: Buffer;
  whole: Buffer;
}

/** Undefined when it is not a row of elements. */
function derElements(input: Buffer): DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < input.length;) {
    const first = input[at + 1];
    if (first === undefined) return undefined;
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || more > 3 || at + 2 + more > input.length) return undefined;
    const length = more === 0 ? first : input.readUIntBE(at + 2, more);
    const start = at + 2 + more;
    if (start + length > input.length) return undefined;
    elements.push({
      tag: input[at] ?? 0,
      content: input.subarray(start, start + length),
      whole: input.subarray(at, start + length),
    });
    at = start + length;
  }
  return elements;
}

function derElement(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x1_00_00
        ? [tag, 0x82, length >> 8, length & 255]
        : [tag, 0x83, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

interface Field {
  number: number;
  content: Buffer;
  whole: Buffer;
}

/** Fields of wire types 0 and 2, which are all that the protocol has; undefined when there is something else. */
function protobufFields(input: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < input.length;) {
    const key = readVarint(input, at);
    if (key === undefined) return undefined;
    const value = readVarint(input, key.next);
    if (value === undefined || ![0, 2].includes(key.value % 8)) return undefined;
    const start = key.value % 8 === 2 ? value.next : key.next;
    const end = key.value % 8 === 2 ? value.next + value.value : value.next;
    if (end > input.length) return undefined;
    fields.push({
      number: Math.floor(key.value / 8),
      content: input.subarray(start, end),
      whole: input.subarray(at, end),
    });
    at = end;
  }
  return fields;
}

function readVarint(input: Buffer, from: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let n = 0; n < 5; n += 1) {
    const byte = input[from + n];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) return { value, next: from + n + 1 };
  }
  return undefined;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

const lengthPrefixed = (number: number, content: Buffer) =>
  Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
