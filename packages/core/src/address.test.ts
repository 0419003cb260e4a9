import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalIp, formatHostPort, isDnsName, parseHostPort } from './address.ts';

/** The serializer of the URL standard, which is RFC 5952 without dots: an independent opinion on IPv6. */
const byUrl = (text: string) => new URL(`http://[${text}]/`).hostname.slice(1, -1);

describe('canonicalIp', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['0.0.0.0', '0.0.0.0'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    // IPv4-mapped, in each of its spellings, is that IPv4 address: a policy must not see two.
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::FFFF:c633:6407', '198.51.100.7'],
    ['0:0:0:0:0:ffff:127.0.0.1', '127.0.0.1'],
    // Dots after anything else are not.
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical);
  });

  it.each([
    '010.0.0.1',
    '1.2.3.04',
    '0x7f.0.0.1',
    '0x7f000001',
    '127.1',
    '127.0.1',
    '2130706433',
    '017700000001',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..2.3',
    '-1.2.3.4',
    '+1.2.3.4',
    '1.2.3.4e0',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '1.2.3.4\0',
    '１.2.3.4',
    '1.2.3.4/32',
    '',
    '::ffff:010.0.0.1',
    '::ffff:0x7f.0.0.1',
    '::ffff:127.1',
    '::ffff:1.2.3.256',
    '::1.2.3.04',
    'fe80::1%eth0',
    'fe80::1%1',
    '::1%',
    '::ffff:1.2.3.4%lo',
    '[::1]',
    '::1\n',
    ' ::1',
    '::1/128',
    '1::2::3',
    ':::',
    ':',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::g',
    'localhost',
  ])('refuses %j', (text) => {
    expect(canonicalIp(text)).toBeUndefined();
  });

  it('gives every IPv4 address as it is', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(canonicalIp(text)).toBe(text);
      }),
    );
  });

  it('agrees with the URL standard on every IPv6 address', () => {
    const mapped = /^::ffff:[^:]+:[^:]+$/;
    const unmapped = fc.ipV6().map((text) => ({ text, expected: byUrl(text) }));
    fc.assert(
      fc.property(
        unmapped.filter(({ expected }) => !mapped.test(expected)),
        ({ text, expected }) => {
          expect(canonicalIp(text)).toBe(expected);
        },
      ),
    );
  });

  it('gives one text for one address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const once = canonicalIp(text);
        expect(once).toBeDefined();
        expect(canonicalIp(once ?? '')).toBe(once);
        expect(canonicalIp(text.toUpperCase())).toBe(once);
      }),
    );
  });

  it('says nothing but undefined to anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcfx:.%[] \n')) }), (text) => {
        expect(canonicalIp(text) ?? '::').toMatch(/^(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f:]+)$/);
      }),
    );
  });
});

describe('isDnsName', () => {
  it.each([
    'localhost',
    'metrics.example.org',
    'a.b',
    '1a',
    '3com.com',
    'xn--bcher-kva.example',
    `${'a'.repeat(63)}.org`,
  ])('accepts %s', (text) => expect(isDnsName(text)).toBe(true));

  it.each([
    // Numbers at the end: some resolvers read an address there (inet_aton(3)).
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '1.2.3.0x4',
    '1.2.3.0x',
    'example.1',
    '198.51.100.7',

    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'a_b',
    'A.org',
    'a b',
    'a\n',
    'a/b',
    'a:1',
    '*.a.org',
    'bücher.example',
    `${'a'.repeat(64)}.org`,
    Array.from({ length: 127 }, () => 'a').join('.') + 'aa',
  ])('refuses %j', (text) => expect(isDnsName(text)).toBe(false));
});

describe('parseHostPort', () => {
  it.each([
    ['198.51.100.7:9100', '198.51.100.7', 9100],
    ['Metrics.Example.org:443', 'metrics.example.org', 443],
    ['[2001:DB8::7]:9100', '2001:db8::7', 9100],
    ['[::ffff:198.51.100.7]:9100', '198.51.100.7', 9100],
    ['localhost:65535', 'localhost', 65_535],
    ['localhost:0', 'localhost', 0],
  ])('reads %s', (text, host, port) => {
    expect(parseHostPort(text)).toEqual({ host, port });
  });

  it.each([
    '',
    ':',
    ':9100',
    '198.51.100.7',
    '198.51.100.7:',
    '198.51.100.7:x',
    '198.51.100.7:-1',
    '198.51.100.7:+1',
    '198.51.100.7:65536',
    '198.51.100.7:999999',
    '198.51.100.7:1e3',
    '198.51.100.7:0x50',
    '198.51.100.7:9100 ',

    '2001:db8::7:9100',
    '[2001:db8::7]',
    '[2001:db8::7%eth0]:9100',
    '[example.org]:9100',
    '[[::1]]:9100',
    '[::1:9100',

    '010.0.0.1:9100',
    '0x7f000001:9100',
    '127.1:9100',
    'http://a.org:9100',
    'user@a.org:9100',
    'a.org:9100/metrics',
    'a.org:9100\n',
    'a.org\n:9100',
    '198.51.100.7:９100',
  ])('refuses %j', (text) => {
    expect(() => parseHostPort(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  });

  it('gives back what formatHostPort wrote', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((text) => canonicalIp(text) ?? text),
      fc.domain().map((text) => text.toLowerCase()),
    );
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (host, port) => {
        expect(parseHostPort(formatHostPort({ host, port }))).toEqual({ host, port });
      }),
    );
  });

  it('repeats hostile text only in part, and harmless', () => {
    expect(() => parseHostPort(`\u001B[2J\n${'x'.repeat(10_000)}`)).toThrow(
      // oxlint-disable-next-line eslint/no-control-regex -- that is what must not be in it
      expect.objectContaining({ message: expect.stringMatching(/^[^\u0000-\u001F]{1,150}$/) }),
    );
  });
});
