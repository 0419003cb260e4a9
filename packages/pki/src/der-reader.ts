import { TorchpassError, type ErrorCode } from '@torchpass/core';
import { objectIdentifier, TAG } from './der.ts';
import { OID } from './oids.ts';

/** Whose bytes are read: decides how a refusal is worded. */
export interface Origin {
  code: ErrorCode;
  /** A sentence without its end, such as "The certificate request is not valid"; the reason follows it. */
  claim: string;
}

export function refusal(origin: Origin, reason: string, cause?: unknown): TorchpassError {
  return new TorchpassError(origin.code, `${origin.claim}: ${reason}.`, { cause });
}

/** One element that was read. Its bytes are cut out only when asked for. */
export class Element {
  readonly tag: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #contentStart: number;
  readonly #end: number;

  constructor(bytes: Buffer, tag: number, start: number, contentStart: number, end: number) {
    this.tag = tag;
    this.#bytes = bytes;
    this.#start = start;
    this.#contentStart = contentStart;
    this.#end = end;
  }

  get content(): Buffer {
    return this.#bytes.subarray(this.#contentStart, this.#end);
  }

  /** Its content, one character a byte. */
  get text(): string {
    return this.#bytes.toString('latin1', this.#contentStart, this.#end);
  }

  /** Identifier and length included. */
  get whole(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** A reader of its content. */
  open(origin: Origin): DerReader {
    return new DerReader(this.#bytes, origin, this.#contentStart, this.#end);
  }
}

/** Nearly all identifiers in our certificates are of this table: no need to spell them anew each time. */
const KNOWN_IDENTIFIERS: ReadonlyMap<string, string> = new Map(
  Object.values(OID).map((dotted) => [objectIdentifier(dotted).toString('latin1', 2), dotted]),
);

const CONSTRUCTED = 0x20;
const LONGEST_LENGTH_OCTETS = 3;

/**
 * A cursor over DER (X.690, 10 and 11) that was written by a stranger. It accepts one encoding of each value: definite,
 * minimal lengths, low tag numbers, nothing beyond the end. It recurses nowhere: a caller enters only what its grammar
 * knows, so the depth is that of the grammar. Every refusal is a `TorchpassError` of its origin.
 */
export class DerReader {
  readonly #bytes: Buffer;
  readonly #origin: Origin;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, origin: Origin, start = 0, end = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#origin = origin;
    this.#position = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#position === this.#end;
  }

  refuse(reason: string): TorchpassError {
    return refusal(this.#origin, reason);
  }

  /** Whether the next element has this tag. */
  has(tag: number): boolean {
    return this.#position < this.#end && this.#bytes[this.#position] === tag;
  }

  /** The next element, whatever it is. */
  next(): Element {
    const start = this.#position;
    const tag = this.#octet();
    checkTag(tag, this);
    const length = this.#length();
    const contentStart = this.#position;
    if (length > this.#end - contentStart) throw this.refuse('a length reaches beyond the end');
    this.#position += length;
    return new Element(this.#bytes, tag, start, contentStart, this.#position);
  }

  /** The next element, which must have this tag. `what` is for the message: "the serial number". */
  expect(tag: number, what: string): Element {
    if (!this.has(tag)) throw this.refuse(this.atEnd ? `${what} is missing` : `${what} has the wrong type`);
    return this.next();
  }

  enter(tag: number, what: string): DerReader {
    return this.expect(tag, what).open(this.#origin);
  }

  end(what: string): void {
    if (!this.atEnd) throw this.refuse(`there is something after the end of ${what}`);
  }

  /** Content octets of an INTEGER, two's complement, minimal. */
  integer(what: string): Buffer {
    const { content } = this.expect(TAG.integer, what);
    const [first, second] = content;
    if (first === undefined) throw this.refuse(`${what} is empty`);
    const redundant = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (redundant) throw this.refuse(`${what} is not minimal`);
    return content;
  }

  boolean(what: string): boolean {
    const { content } = this.expect(TAG.boolean, what);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw this.refuse(`${what} is neither true nor false`);
    }
    return content[0] === 0xff;
  }

  /** Bytes of a BIT STRING and how many bits of the last one are unused (and zero). */
  bitString(what: string): { unused: number; bytes: Buffer } {
    const { content } = this.expect(TAG.bitString, what);
    const unused = content[0];
    const bytes = content.subarray(1);
    const last = bytes.at(-1) ?? 0;
    const fits = unused !== undefined && unused <= (bytes.length === 0 ? 0 : 7) && (last & ((1 << unused) - 1)) === 0;
    if (!fits) throw this.refuse(`${what} has wrong padding`);
    return { unused, bytes };
  }

  /** A BIT STRING of whole bytes. */
  bytes(what: string): Buffer {
    const { unused, bytes } = this.bitString(what);
    if (unused !== 0) throw this.refuse(`${what} does not end at a byte`);
    return bytes;
  }

  /** An OBJECT IDENTIFIER in dotted notation. */
  oid(what: string): string {
    const read = this.expect(TAG.oid, what);
    return KNOWN_IDENTIFIERS.get(read.text) ?? this.#dotted(read.content, what);
  }

  #dotted(content: Buffer, what: string): string {
    const arcs: number[] = [];
    let arc = 0;
    let fresh = true;
    for (const octet of content) {
      if (fresh && octet === 0x80) throw this.refuse(`${what} is not minimal`);
      arc = arc * 128 + (octet & 0x7f);
      if (arc > Number.MAX_SAFE_INTEGER / 128) throw this.refuse(`${what} is too large`);
      fresh = octet < 0x80;
      if (!fresh) continue;
      arcs.push(arc);
      arc = 0;
    }
    const [first] = arcs;
    if (first === undefined || !fresh) throw this.refuse(`${what} is cut off`);
    const root = Math.min(Math.floor(first / 40), 2);
    return [root, first - root * 40, ...arcs.slice(1)].join('.');
  }

  #octet(): number {
    const octet = this.#bytes[this.#position];
    if (octet === undefined || this.#position >= this.#end) throw this.refuse('it is cut off');
    this.#position += 1;
    return octet;
  }

  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw this.refuse('a length is indefinite');
    if (count > LONGEST_LENGTH_OCTETS) throw this.refuse('a length is too large');
    let length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + this.#octet();
    if (length < 0x80 || length < 256 ** (count - 1)) throw this.refuse('a length is not minimal');
    return length;
  }
}

/** Only SEQUENCE and SET of the universal class are constructed in DER, and they always are. */
function checkTag(tag: number, reader: DerReader): void {
  if ((tag & 0x1f) === 0x1f) throw reader.refuse('a tag number is too large');
  if ((tag & 0xc0) !== 0) return;
  const isContainer = (tag | CONSTRUCTED) === TAG.sequence || (tag | CONSTRUCTED) === TAG.set;
  if (tag === 0 || isContainer !== ((tag & CONSTRUCTED) !== 0)) throw reader.refuse('a type is not allowed in DER');
}

/**
 * Walks over everything in `bytes`, also what no grammar of ours enters. Refuses what is not DER, nests deeper than
 * `depth`, or has more than `elements` elements.
 */
export function checkStructure(bytes: Uint8Array, origin: Origin, limits: { depth: number; elements: number }): void {
  const open = [new DerReader(bytes, origin)];
  for (let elements = 0; ;) {
    const reader = open.at(-1);
    if (reader === undefined) return;
    if (reader.atEnd) {
      open.pop();
      continue;
    }
    const element = reader.next();
    elements += 1;
    if (elements > limits.elements) throw reader.refuse('it has too many parts');
    if ((element.tag & CONSTRUCTED) === 0) continue;
    if (open.length >= limits.depth) throw reader.refuse('it is nested too deeply');
    open.push(element.open(origin));
  }
}
