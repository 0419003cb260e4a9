import { isTorchpassError } from '@torchpass/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bitString, element, namedBits, objectIdentifier, TAG } from './der.ts';
import { checkStructure, DerReader, type Origin } from './der-reader.ts';
import { ipOctets, ipText } from './ip.ts';
import { encodeTime, readTime, wholeSeconds } from './time.ts';

const ORIGIN: Origin = { code: 'CSR_INVALID', claim: 'It is not valid' };
const read = (der: Uint8Array) => new DerReader(der, ORIGIN);
const tags = fc.constantFrom(TAG.octetString, TAG.utf8String, 0x80, 0x9e);

test('elements of any length read back', () => {
  fc.assert(
    fc.property(
      tags,
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 65_530, maxLength: 65_540 })),
      (tag, content) => {
        const reader = read(element(tag, content));
        expect(Buffer.compare(reader.expect(tag, 'it').content, content)).toBe(0);
        reader.end('it');
      },
    ),
  );
});

test('an element is read in one spelling: what is read writes back to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const first = firstElement(bytes);
      expect(first === undefined ? undefined : element(first.tag, first.content)).toEqual(first?.whole);
    }),
    { numRuns: 5000 },
  );
});

test('object identifiers read back', () => {
  const arc = fc.integer({ min: 0, max: 2 ** 31 });
  fc.assert(
    fc.property(fc.constantFrom('0.9', '1.39', '2.5', '2.999'), fc.array(arc, { maxLength: 8 }), (root, arcs) => {
      const dotted = [root, ...arcs].join('.');
      expect(read(objectIdentifier(dotted)).oid('it')).toBe(dotted);
    }),
  );
});

test.each([
  ['a length in the long form that fits the short one', '04810100', (reader: DerReader) => reader.next()],
  ['a length with a zero too many', `04820080${'00'.repeat(128)}`, (reader: DerReader) => reader.next()],
  ['a length that is cut off', '0482', (reader: DerReader) => reader.next()],
  ['content that is cut off', '040201', (reader: DerReader) => reader.next()],
  ['an INTEGER of no bytes', '0200', (reader: DerReader) => reader.integer('it')],
  ['an INTEGER with a zero too many', '02020001', (reader: DerReader) => reader.integer('it')],
  ['a negative INTEGER with a byte too many', '0202ff80', (reader: DerReader) => reader.integer('it')],
  ['a BOOLEAN of 1', '010101', (reader: DerReader) => reader.boolean('it')],
  ['a BIT STRING without its first byte', '0300', (reader: DerReader) => reader.bitString('it')],
  ['a BIT STRING with 8 unused bits', '03020800', (reader: DerReader) => reader.bitString('it')],
  ['a BIT STRING whose unused bits are set', '03020101', (reader: DerReader) => reader.bitString('it')],
  ['an empty BIT STRING with unused bits', '030101', (reader: DerReader) => reader.bitString('it')],
  ['an OBJECT IDENTIFIER that is padded', '06032a8001', (reader: DerReader) => reader.oid('it')],
  ['an OBJECT IDENTIFIER that is cut off', '06022a81', (reader: DerReader) => reader.oid('it')],
  ['an OBJECT IDENTIFIER of no bytes', '0600', (reader: DerReader) => reader.oid('it')],
  ['an OBJECT IDENTIFIER with a huge arc', `060c2a${'ff'.repeat(10)}7f`, (reader: DerReader) => reader.oid('it')],
  ['a constructed OCTET STRING', '24020400', (reader: DerReader) => reader.next()],
  ['a primitive SEQUENCE', '1000', (reader: DerReader) => reader.next()],
  ['an end-of-contents', '0000', (reader: DerReader) => reader.next()],
])('%s is refused', (_, hex, work) => {
  expect(() => work(read(Buffer.from(hex, 'hex')))).toThrow(expect.objectContaining({ code: 'CSR_INVALID' }));
});

test('an indefinite length is named', () => {
  expect(() => read(Buffer.from('30800000', 'hex')).next()).toThrow('a length is indefinite');
});

test('named bits are minimal', () => {
  expect(namedBits(0).toString('hex')).toBe('03020780');
  expect(namedBits(5, 6).toString('hex')).toBe('03020106');
  expect(namedBits(8).toString('hex')).toBe('0303070080');
  expect(bitString(Buffer.from('abcd', 'hex')).toString('hex')).toBe('030300abcd');
});

test('depth and number of elements are bounded', () => {
  const deep = (levels: number): Buffer => (levels === 0 ? element(TAG.null) : element(TAG.sequence, deep(levels - 1)));
  const limits = { depth: 5, elements: 10 };
  expect(() => checkStructure(deep(4), ORIGIN, limits)).not.toThrow();
  expect(() => checkStructure(deep(5), ORIGIN, limits)).toThrow('nested too deeply');
  const wide = (count: number) => element(TAG.sequence, ...Array.from({ length: count }, () => element(TAG.null)));
  expect(() => checkStructure(wide(9), ORIGIN, limits)).not.toThrow();
  expect(() => checkStructure(wide(10), ORIGIN, limits)).toThrow('too many parts');
});

test('times read back, on both sides of 2050', () => {
  const times = fc.date({
    min: new Date('1950-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(times, (time) => {
      expect(readTime(read(encodeTime(time)), 'it')).toEqual(wholeSeconds(time));
    }),
  );
  expect(encodeTime(new Date('2049-12-31T23:59:59Z')).toString('latin1')).toContain('491231235959Z');
  expect(encodeTime(new Date('2050-01-01T00:00:00Z')).toString('latin1')).toContain('20500101000000Z');
});

test.each([
  '260229000000Z',
  '261301000000Z',
  '260101240000Z',
  '260101000060Z',
  '2601010000Z',
  '260101000000+0000',
  '26010100000 Z',
])('the UTCTime %s is refused', (text) => {
  expect(() => readTime(read(element(TAG.utcTime, Buffer.from(text))), 'it')).toThrow('it is not a time');
});

test('a GeneralizedTime before 2050, or with fractions, is refused', () => {
  for (const text of ['20260101000000Z', '20500101000000.5Z', '00500101000000Z']) {
    expect(() => readTime(read(element(TAG.generalizedTime, Buffer.from(text))), 'it')).toThrow('it is not a time');
  }
});

test('addresses read back', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(ipText(ipOctets(text))).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(7), fc.nat(8), (bytes, from, count) => {
      // Runs of zeros are what the short form is about. The first byte keeps it from being an IPv4 address in disguise.
      const octets = Buffer.from(bytes).fill(0, from * 2, Math.min(16, (from + count) * 2));
      octets[0] = 0x20;
      expect(ipOctets(ipText(octets))).toEqual(octets);
    }),
    { numRuns: 1000 },
  );
});

function firstElement(bytes: Uint8Array) {
  try {
    return read(bytes).next();
  } catch (error) {
    if (isTorchpassError(error, 'CSR_INVALID')) return undefined;
    throw error;
  }
}
