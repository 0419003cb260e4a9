// oxlint-disable-next-line import/no-unassigned-import -- the parser's decorators need it in place
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { systemRandom } from '@torchpass/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { REVOCATION_REASONS, signCrl, type CrlContent, type RevocationReason, type RevokedCertificate } from './crl.ts';
import { wholeNumber } from './der.ts';
import { describeCertificate } from './describe.ts';
import { generatePrivateKey } from './keys.ts';
import { certificatesToPem, crlsToPem } from './pem.ts';
import { ROLES, type Role } from './profiles.ts';
import { newSerialNumber } from './serial.ts';
import { softwareSigner } from './signer.ts';
import { openssl } from './testing/openssl.ts';
import { DAY_MS, issue, makeWorld, NOW, type World } from './testing/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const list = (revoked: readonly RevokedCertificate[], change: Partial<CrlContent> = {}): CrlContent => ({
  number: 1,
  thisUpdate: NOW,
  nextUpdate: new Date(NOW.getTime() + 7 * DAY_MS),
  revoked,
  ...change,
});

const serial = () => newSerialNumber(systemRandom).toString('hex');

function crlOf(role: Role, content: CrlContent, from = world): Promise<Buffer> {
  return signCrl(from.authorities[role], content, from.authorities[role].signer);
}

/** What OpenSSL says of a leaf when it has to ask the list. */
function checked(role: Role, leaf: Buffer, crl: Buffer, from = world): string {
  const { root, authorities } = from;
  try {
    return openssl(
      ['verify', '-x509_strict', '-crl_check', '-attime', String(NOW.getTime() / 1000),
        '-CAfile', '{root}', '-untrusted', '{issuer}', '-CRLfile', '{crl}', '{leaf}'], // prettier-ignore
      {
        root: certificatesToPem([root]),
        issuer: certificatesToPem([authorities[role].certificate]),
        crl: crlsToPem([crl]),
        leaf: certificatesToPem([leaf]),
      },
    ).text;
  } catch (error) {
    return String(error);
  }
}

const revokedNow = (leaf: Buffer, reason: RevocationReason = 'unspecified'): RevokedCertificate => ({
  serial: describeCertificate(leaf).serial,
  revokedAt: NOW,
  reason,
});

describe.each(ROLES)('the revocation list of the %s authority', (role) => {
  test.each(['ecdsa-p256', 'ed25519'] as const)(
    'with %s makes OpenSSL refuse what is on it, and only that',
    async (algorithm) => {
      const from = algorithm === 'ed25519' ? await makeWorld('ed25519') : world;
      const [bad, good] = [await issue(from.authorities[role]), await issue(from.authorities[role])];
      const crl = await crlOf(role, list([revokedNow(bad, 'keyCompromise')]), from);
      expect(checked(role, good, crl, from)).toMatch(/leaf: OK/);
      expect(checked(role, bad, crl, from)).toMatch(/certificate revoked/);
      const tampered = Buffer.from(crl);
      tampered[crl.length - 5] = (crl.at(-5) ?? 0) ^ 1;
      expect(checked(role, good, tampered, from)).toMatch(/CRL signature failure/);
    },
  );

  test('that has ended, or is of another authority, is no list of it', async () => {
    const leaf = await issue(world.authorities[role]);
    const ended = list([], {
      thisUpdate: new Date(NOW.getTime() - DAY_MS),
      nextUpdate: new Date(NOW.getTime() - 1000),
    });
    expect(checked(role, leaf, await crlOf(role, ended))).toMatch(/CRL has expired/);
    const other = ROLES.find((candidate) => candidate !== role) ?? 'agent';
    expect(checked(role, leaf, await crlOf(other, list([])))).toMatch(/unable to get certificate CRL/);
  });
});

test('another parser reads exactly what was meant', async () => {
  const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[];
  const revoked = reasons.map((reason, index) => ({
    serial: serial(),
    revokedAt: new Date(NOW.getTime() - index * DAY_MS),
    reason,
  }));
  const crl = new x509.X509Crl(Uint8Array.from(await crlOf('exporter', list(revoked, { number: 300 }))));
  const issuer = new x509.X509Certificate(Uint8Array.from(world.authorities.exporter.certificate));
  expect({
    version: crl.version,
    issuer: crl.issuer,
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    entries: crl.entries.map(({ serialNumber, revocationDate, reason }) => [serialNumber, revocationDate, reason]),
    extensions: crl.extensions.map(({ type, critical }) => [type, critical]),
    authorityKey: crl.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
  }).toEqual({
    version: 1, // which stands for 2
    issuer: issuer.subject,
    thisUpdate: NOW,
    nextUpdate: new Date(NOW.getTime() + 7 * DAY_MS),
    entries: revoked.map(({ serial, revokedAt, reason }) => [
      serial,
      revokedAt,
      reason === 'unspecified' ? undefined : REVOCATION_REASONS[reason],
    ]),
    extensions: [
      ['2.5.29.35', false],
      ['2.5.29.20', false],
    ],
    authorityKey: issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
  });
  expect(await crl.verify({ publicKey: issuer.publicKey })).toBe(true);
});

test.each([1, 127, 128, 255, 256, 65_535, 2 ** 31, 2 ** 48 - 1])(
  'OpenSSL reads the number %i as it is',
  async (number) => {
    const crl = await crlOf('agent', list([], { number }));
    const { text } = openssl(['crl', '-inform', 'DER', '-in', '{crl}', '-noout', '-crlnumber'], { crl });
    expect(BigInt(text.trim().replace('crlNumber=', ''))).toBe(BigInt(number));
  },
);

test('a whole number is minimal and never negative', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (value) => {
      const content = wholeNumber(value).subarray(2);
      expect(BigInt(`0x${content.toString('hex')}`)).toBe(BigInt(value));
      expect(content[0]).toBeLessThan(0x80);
      expect(content.length === 1 || content[0] !== 0 || (content[1] ?? 0) >= 0x80).toBe(true);
    }),
  );
});

test('a list of very many is one that OpenSSL reads', async () => {
  const revoked = Array.from({ length: 5000 }, () => ({
    serial: serial(),
    revokedAt: NOW,
    reason: 'superseded' as const,
  }));
  const crl = await crlOf('exporter', list(revoked));
  const { text } = openssl(['crl', '-inform', 'DER', '-in', '{crl}', '-noout', '-text'], { crl });
  expect(text.match(/Serial Number:/g)).toHaveLength(revoked.length);
});

test('what cannot be said, or is not for this key to say, is refused', async () => {
  const wrong: Partial<CrlContent>[] = [
    { number: 0 },
    { number: 1.5 },
    { number: 2 ** 48 },
    { nextUpdate: NOW },
    { thisUpdate: new Date(Number.NaN) },
    { revoked: [{ serial: 'ff', revokedAt: NOW, reason: 'unspecified' }] },
    { revoked: [{ serial: serial().toUpperCase(), revokedAt: NOW, reason: 'unspecified' }] },
  ];
  for (const change of wrong) {
    await expect(crlOf('agent', list([], change))).rejects.toMatchObject({ code: 'LINT_FAILED' });
  }
  const { agent, exporter } = world.authorities;
  await expect(signCrl(agent, list([]), exporter.signer)).rejects.toThrow(/another key/);
  const stranger = softwareSigner(await generatePrivateKey());
  await expect(signCrl(agent, list([]), stranger)).rejects.toThrow(/another key/);
});
