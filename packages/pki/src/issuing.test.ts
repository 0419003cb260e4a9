// oxlint-disable-next-line import/no-unassigned-import -- the parser's decorators need it in place
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { canonicalIp, isTorchpassError, systemRandom } from '@torchpass/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRoot } from './authority.ts';
import { readCertificate } from './certificate.ts';
import { checkLeaf } from './checker.ts';
import { describeCertificate } from './describe.ts';
import { prepareLeaf, signPrepared, type PreparedCertificate } from './issuing.ts';
import { generatePrivateKey, publicKeyInfo } from './keys.ts';
import { certificatesToPem } from './pem.ts';
import { PROFILES, ROLES, type LeafRequest, type Role } from './profiles.ts';
import { newSerialNumber } from './serial.ts';
import { softwareSigner, type Signer } from './signer.ts';
import { formatSpiffeId } from './spiffe.ts';
import { openssl } from './testing/openssl.ts';
import { DAY_MS, DOMAIN, IDENTITIES, issue, leafRequest, makeWorld, NOW, type World } from './testing/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const OPENSSL_PURPOSE = { controller: 'sslserver', exporter: 'sslserver', agent: 'sslclient', scraper: 'sslclient' };

/** The openssl command line's verdict on a leaf. */
function opensslVerdict(from: World, role: Role, leaf: Buffer, purpose: string): string {
  try {
    return openssl(
      ['verify', '-x509_strict', '-purpose', purpose, '-attime', String(NOW.getTime() / 1000),
        '-CAfile', '{root}', '-untrusted', '{issuer}', '{leaf}'], // prettier-ignore
      {
        root: certificatesToPem([from.root]),
        issuer: certificatesToPem([from.authorities[role].certificate]),
        leaf: certificatesToPem([leaf]),
      },
    ).text;
  } catch (error) {
    return String(error);
  }
}

describe.each(ROLES)('a certificate of the %s authority', (role) => {
  test.each(['ecdsa-p256', 'ed25519'] as const)(
    'with %s is good for its purpose in OpenSSL, and for no other',
    async (algorithm) => {
      const from = algorithm === 'ed25519' ? await makeWorld('ed25519') : world;
      const publicKey = publicKeyInfo(await generatePrivateKey(algorithm));
      const leaf = await issue(from.authorities[role], { publicKey });
      expect(opensslVerdict(from, role, leaf, OPENSSL_PURPOSE[role])).toMatch(/leaf: OK/);
      const other = OPENSSL_PURPOSE[role] === 'sslserver' ? 'sslclient' : 'sslserver';
      expect(opensslVerdict(from, role, leaf, other)).toMatch(/unsuitable certificate purpose/);
    },
  );

  test('is read by another parser exactly as it was meant', async () => {
    const request = await leafRequest(role);
    const { certificate, signer } = world.authorities[role];
    const der = await signPrepared(prepareLeaf({ role, certificate }, request), signer);
    const read = new x509.X509Certificate(Uint8Array.from(der));
    const issuer = new x509.X509Certificate(Uint8Array.from(certificate));
    const names = read.getExtension(x509.SubjectAlternativeNameExtension);
    expect({
      serial: read.serialNumber,
      subject: read.subject,
      issuer: read.issuer,
      notBefore: read.notBefore,
      notAfter: read.notAfter,
      publicKey: Buffer.from(read.publicKey.rawData),
      names: names?.names.items.map(({ type, value }) => [type, canonicalIp(value) ?? value]),
      critical: read.extensions.filter((extension) => extension.critical).map(({ type }) => type),
      purposes: read.getExtension(x509.ExtendedKeyUsageExtension)?.usages,
      keyUsage: read.getExtension(x509.KeyUsagesExtension)?.usages,
      ca: read.getExtension(x509.BasicConstraintsExtension)?.ca,
      authorityKey: read.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
    }).toEqual({
      serial: request.serialNumber.toString('hex'),
      subject: '',
      issuer: issuer.subject,
      notBefore: request.notBefore,
      notAfter: request.notAfter,
      publicKey: request.publicKey,
      names: [
        ['url', formatSpiffeId(request.spiffeId)],
        ...request.dnsNames.map((name) => ['dns', name]),
        ...request.ipAddresses.map((address) => ['ip', address]),
      ],
      critical: ['2.5.29.19', '2.5.29.15', '2.5.29.17'],
      purposes: [PROFILES[role].purpose],
      keyUsage: x509.KeyUsageFlags.digitalSignature,
      ca: false,
      authorityKey: issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
    });
    expect(await read.verify({ publicKey: issuer.publicKey, signatureOnly: true })).toBe(true);
    expect(describeCertificate(der)).toMatchObject({
      serial: request.serialNumber.toString('hex'),
      spiffeId: request.spiffeId,
      dnsNames: request.dnsNames,
      ipAddresses: request.ipAddresses,
      publicKey: request.publicKey,
    });
    expect(checkLeaf(der, certificate, role)).toEqual([]);
  });

  test('is found wrong by the second opinion as one of any other role', async () => {
    const leaf = await issue(world.authorities[role]);
    for (const other of ROLES.filter((candidate) => candidate !== role)) {
      expect(checkLeaf(leaf, world.authorities[role].certificate, other)).not.toEqual([]);
      expect(checkLeaf(leaf, world.authorities[other].certificate, role)).not.toEqual([]);
    }
  });
});

describe('requests that cannot be issued', () => {
  const cases: [string, Role, Partial<LeafRequest>, RegExp][] = [
    ['an identity of another kind', 'agent', { spiffeId: IDENTITIES.controller }, /kind controller/],
    [
      'a foreign trust domain',
      'agent',
      { spiffeId: { ...IDENTITIES.agent, trustDomain: 'other.org' } },
      /trust domain/,
    ],
    ['another role than the authority', 'agent', { role: 'controller' }, /issues nothing for the role controller/],
    ['an exporter that nobody can dial', 'exporter', { dnsNames: [], ipAddresses: [] }, /neither a DNS name/],
    ['an agent with a DNS name', 'agent', { dnsNames: ['web1.example.org'] }, /no DNS names/],
    ['a scraper with an address', 'scraper', { ipAddresses: ['198.51.100.7'] }, /no DNS names or IP/],
    ['a wildcard', 'exporter', { dnsNames: ['*.example.org'] }, /DNS name/],
    ['a DNS name with a line break', 'exporter', { dnsNames: ['web1.example.org\nDNS:evil'] }, /DNS name/],
    ['an address written as a DNS name', 'exporter', { dnsNames: ['198.51.100.7'] }, /DNS name/],
    ['an address that is not canonical', 'exporter', { ipAddresses: ['2001:DB8::7'] }, /canonical/],
    ['an address in octal', 'exporter', { ipAddresses: ['198.051.100.7'] }, /canonical/],
    ['a mapped address', 'exporter', { ipAddresses: ['::ffff:198.51.100.7'] }, /canonical/],
    [
      'very many names',
      'exporter',
      { dnsNames: Array.from({ length: 101 }, (_, n) => `n${n}.example.org`) },
      /too many/,
    ],
    ['a short serial number', 'exporter', { serialNumber: Buffer.from([0x41]) }, /serial number/],
    ['a negative serial number', 'exporter', { serialNumber: Buffer.alloc(16, 0xff) }, /serial number/],
    ['an end before the begin', 'exporter', { notAfter: new Date(NOW.getTime() - DAY_MS / 2) }, /validity/],
    ['a date that is none', 'exporter', { notAfter: new Date(Number.NaN) }, /validity/],
  ];
  test.each(cases)('%s', async (_, role, overrides, reason) => {
    const request = await leafRequest(role, overrides);
    expect(() => prepareLeaf(world.authorities[role], request)).toThrow(
      expect.objectContaining({ code: 'LINT_FAILED', message: expect.stringMatching(reason) }),
    );
  });

  test('by something that is not the issuing authority of the role', async () => {
    const request = await leafRequest('exporter');
    for (const certificate of [world.root, world.authorities.controller.certificate, Buffer.from('nonsense')]) {
      expect(() => prepareLeaf({ role: 'exporter', certificate }, request)).toThrow(
        expect.objectContaining({ code: 'LINT_FAILED' }),
      );
    }
  });

  test('for a key that is none', async () => {
    const request = await leafRequest('exporter', { publicKey: Buffer.from('3003020100', 'hex') });
    expect(() => prepareLeaf(world.authorities.exporter, request)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    );
  });

  test('with a name that would break out of the path', async () => {
    const request = await leafRequest('agent', {
      spiffeId: { trustDomain: DOMAIN, kind: 'agent', host: '../controller' },
    });
    expect(() => prepareLeaf(world.authorities.agent, request)).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID' }),
    );
  });
});

describe('validity', () => {
  test('is cut to that of the issuer, and to whole seconds', async () => {
    const { certificate } = world.authorities.exporter;
    const issuer = describeCertificate(certificate);
    const prepared = prepareLeaf(
      world.authorities.exporter,
      await leafRequest('exporter', { notBefore: new Date(0), notAfter: new Date('2099-01-01T00:00:00Z') }),
    );
    expect(prepared).toMatchObject({ notBefore: issuer.notBefore, notAfter: issuer.notAfter });
    const odd = new Date(NOW.getTime() + 12_345_678);
    const shorter = prepareLeaf(world.authorities.exporter, await leafRequest('exporter', { notAfter: odd }));
    expect(shorter.notAfter).toEqual(new Date(odd.getTime() - 678));
  });

  test('crosses into 2050, where certificates write the year in full', async () => {
    const late = new Date('2055-05-05T05:05:05Z');
    const signer = softwareSigner(await generatePrivateKey());
    const root = await createRoot({
      trustDomain: DOMAIN,
      signer,
      serialNumber: newSerialNumber(systemRandom),
      notBefore: NOW,
      notAfter: late,
    });
    expect(describeCertificate(root).notAfter).toEqual(late);
    expect(openssl(['x509', '-in', '{pem}', '-noout', '-enddate'], { pem: certificatesToPem([root]) }).text).toContain(
      'May  5 05:05:05 2055 GMT',
    );
  });

  test('of an issuer that has ended is nothing', async () => {
    const after = NOW.getTime() + 400 * DAY_MS;
    const request = await leafRequest('exporter', { notBefore: new Date(after), notAfter: new Date(after + DAY_MS) });
    expect(() => prepareLeaf(world.authorities.exporter, request)).toThrow(
      expect.objectContaining({ code: 'AUTHORITY_MISSING' }),
    );
  });
});

describe('signing what was stored', () => {
  let prepared: PreparedCertificate;
  beforeAll(async () => {
    prepared = prepareLeaf(world.authorities.exporter, await leafRequest('exporter'));
  });

  const codeOf = async (changes: Partial<PreparedCertificate>, signer: Signer = world.authorities.exporter.signer) =>
    signPrepared({ ...prepared, ...changes }, signer).then(
      () => 'signed',
      (error: unknown) => (isTorchpassError(error) ? error.code : error),
    );

  test('is signed as it was prepared', async () => {
    expect(await codeOf({})).toBe('signed');
  });

  test('a signer that answers with a wrong signature is refused', async () => {
    const { signer } = world.authorities.exporter;
    const answers: ((message: Uint8Array) => Promise<Buffer>)[] = [
      async (message) => {
        const signature = await signer.sign(message);
        signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
        return signature;
      },
      async () => Buffer.alloc(0),
      async (message) => Buffer.concat([await signer.sign(message), Buffer.from([0])]),
      () => signer.sign(Buffer.from('something else')),
      (message) => world.authorities.agent.signer.sign(message),
    ];
    for (const sign of answers) expect(await codeOf({}, { ...signer, sign })).toBe('LINT_FAILED');
  });

  test('the signer of another authority is refused', async () => {
    expect(await codeOf({}, world.authorities.agent.signer)).toBe('LINT_FAILED');
    expect(await codeOf({}, world.rootSigner)).toBe('LINT_FAILED');
  });

  test('what was changed in the database is refused', async () => {
    expect(await codeOf({ serial: newSerialNumber(systemRandom).toString('hex') })).toBe('LINT_FAILED');
    expect(await codeOf({ notAfter: new Date(prepared.notAfter.getTime() + DAY_MS) })).toBe('LINT_FAILED');
    expect(await codeOf({ tbs: Buffer.concat([prepared.tbs, Buffer.from([0])]) })).toBe('LINT_FAILED');
    expect(await codeOf({ tbs: prepared.tbs.subarray(0, -1) })).toBe('LINT_FAILED');
    expect(await codeOf({ tbs: Buffer.from('sign this message, please') })).toBe('LINT_FAILED');
    const asController = Buffer.from(prepared.tbs);
    asController.write('/controller', asController.indexOf('/exporter/web1/node'), 'latin1');
    expect(await codeOf({ tbs: asController })).toBe('LINT_FAILED');
    const root = readCertificate(world.root, { code: 'INTERNAL', claim: 'The test is wrong' }).tbs;
    expect(await codeOf({ tbs: Buffer.from(root) })).toBe('LINT_FAILED');
  });
});

test('serial numbers are positive, of one length, and differ', () => {
  const serials = Array.from({ length: 2000 }, () => newSerialNumber(systemRandom).toString('hex'));
  expect(serials.every((serial) => /^[4-7][0-9a-f]{31}$/.test(serial))).toBe(true);
  expect(new Set(serials).size).toBe(2000);
});

test('authorities are good in OpenSSL and say what they are for', () => {
  for (const role of ROLES) {
    const files = {
      root: certificatesToPem([world.root]),
      ca: certificatesToPem([world.authorities[role].certificate]),
    };
    expect(openssl(['verify', '-x509_strict', '-CAfile', '{root}', '{ca}'], files).text).toContain('OK');
    const { text } = openssl(['x509', '-in', '{ca}', '-noout', '-text', '-nameopt', 'RFC2253'], files);
    expect(text).toMatch(new RegExp(`Subject: CN=Torchpass ${role} authority [0-9a-f]{8},OU=${role},O=Torchpass\n`));
    expect(text).toContain('CA:TRUE, pathlen:0');
    expect(text).toContain(`URI:spiffe://${DOMAIN}\n`);
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Certificate Sign, CRL Sign\n/);
  }
});
