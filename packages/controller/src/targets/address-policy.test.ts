import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkClaimableAddress, checkNetwork, isInNetworks, vetAddress, type Resolve } from './address-policy.ts';

const NOTHING: Resolve = () => Promise.resolve([]);
const vet = (host: string, allowedNetworks: string[] = [], resolve = NOTHING) =>
  vetAddress(host, { allowedNetworks }, resolve);

describe('an address', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['uniqueLocal', 'fd00::1'],
    ['carrierGradeNat', '100.64.0.1'],
    ['linkLocal', '169.254.169.254'],
    ['linkLocal', 'fe80::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '0.0.0.0'],
    ['unspecified', '0.1.2.3'],
    ['unspecified', '::'],
    ['documentation', '198.51.100.7'],
    ['documentation', '2001:db8::1'],
    ['test', '198.18.0.1'],
    ['class E', '240.0.0.1'],
    ['mapped loopback', '::ffff:127.0.0.1'],
    ['mapped loopback in hexadecimal', '::ffff:7f00:1'],
    ['mapped private', '::ffff:10.0.0.1'],
    ['compatible loopback', '::127.0.0.1'],
    ['compatible private', '::a00:1'],
    ['NAT64 of a private one', '64:ff9b::10.0.0.1'],
    ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['site-local', 'fec0::1'],
    ['not in use', '4000::1'],
  ])('that is %s (%s) is refused', async (_what, address) => {
    await expect(vet(address)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  it.each(['8.8.8.8', '193.0.14.129', '2a01:4f8::1', '2606:4700::1111'])(
    'that is public (%s) is accepted',
    async (ip) => {
      expect(await vet(ip)).toEqual({ host: ip, connectTo: ip });
    },
  );

  it('that is mapped or written at length is published in canonical form', async () => {
    expect(await vet('::ffff:8.8.8.8')).toEqual({ host: '8.8.8.8', connectTo: '8.8.8.8' });
    expect(await vet('2A01:04F8:0:0::0001')).toMatchObject({ host: '2a01:4f8::1' });
  });

  it('that the policy names is accepted, its neighbours are not', async () => {
    const allowed = ['192.168.7.0/24', 'fd12::/16'];
    expect(await vet('192.168.7.200', allowed)).toMatchObject({ host: '192.168.7.200' });
    expect(await vet('::ffff:192.168.7.200', allowed)).toMatchObject({ host: '192.168.7.200' });
    expect(await vet('fd12::5', allowed)).toMatchObject({ host: 'fd12::5' });
    await expect(vet('192.168.8.1', allowed)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    await expect(vet('fd13::5', allowed)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  it.each([
    '',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
    '127.1',
    'fe80::1%eth0',
    'a b',
    '../etc',
    'x'.repeat(300),
    '10.1',
  ])('that nobody reads the same way (%s) is refused', async (text) => {
    const open: Resolve = () => Promise.resolve(['8.8.8.8']);
    await expect(vet(text, [], open)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });
});

describe('a name', () => {
  const resolving =
    (...addresses: string[]): Resolve =>
    () =>
      Promise.resolve(addresses);

  it('is dialled at an address that was judged', async () => {
    const vetted = await vet('Web.Example.ORG', [], resolving('8.8.8.8', '2a01:4f8::1'));
    expect(vetted).toEqual({ host: 'web.example.org', connectTo: '8.8.8.8' });
  });

  it.each([
    ['inward', ['127.0.0.1']],
    ['inward, mapped', ['::ffff:10.0.0.1']],
    ['outward and inward', ['8.8.8.8', '169.254.169.254']],
    ['at something that is no address', ['localhost']],
  ])('that points %s is refused', async (_what, addresses) => {
    await expect(vet('web.example.org', [], resolving(...addresses))).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
      message: expect.stringContaining('web.example.org') as string,
    });
  });

  it.each<[string, Resolve]>([
    ['gives no address', resolving()],
    ['cannot be asked for', () => Promise.reject(new Error('SERVFAIL'))],
  ])('that %s is not judged: a name server may just be away', async (_what, resolve) => {
    await expect(vet('web.example.org', [], resolve)).rejects.toMatchObject({
      code: 'ADDRESS_UNRESOLVED',
      message: expect.stringContaining('web.example.org') as string,
    });
  });
});

it('every IPv4 address is treated alike, plain and mapped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.ipV4(), async (ip) => {
      const verdict = (host: string) =>
        vet(host).then(
          ({ host }) => host,
          () => 'refused',
        );
      expect(await verdict(`::ffff:${ip}`)).toBe(await verdict(ip));
    }),
  );
});

describe('a network', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7/32'],
    ['2001:DB8::7', '2001:db8::7/128'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('%s is read as %s', (text, network) => {
    expect(checkNetwork(text)).toBe(network);
    expect(checkNetwork(network)).toBe(network);
  });

  it.each(['', '/', '10.0.0.0/33', '2001:db8::/129', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/08x', 'web/8', '10/8'])(
    '%s is none',
    (text) => {
      expect(() => checkNetwork(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }) as Error);
    },
  );

  it('holds its own kind of address only', () => {
    expect(isInNetworks('10.1.2.3', ['::/0'])).toBe(false);
    expect(isInNetworks('::1', ['0.0.0.0/0'])).toBe(false);
    expect(isInNetworks('no address', ['0.0.0.0/0'])).toBe(false);
  });
});

it('what a token allows is a name or an address, never with a port', () => {
  expect(checkClaimableAddress('WEB.example.org')).toBe('web.example.org');
  expect(() => checkClaimableAddress('[::1]:80')).toThrow(
    expect.objectContaining({ code: 'ADDRESS_INVALID' }) as Error,
  );
});
