import { X509Certificate } from 'node:crypto';
import { isTorchpassError } from '@torchpass/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { readTbsCertificate, type TbsCertificate } from './certificate.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  LEAF_KEY_USAGE,
  NO_AUTHORITY,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { prepareLeaf } from './issuing.ts';
import { generatePrivateKey, publicKeyInfo } from './keys.ts';
import { lint, LINT, type Intended } from './lint.ts';
import { OID } from './oids.ts';
import { checkLeafProfile } from './profile-check.ts';
import type { LeafRequest } from './profiles.ts';
import { keyIdentifier } from './public-key.ts';
import { formatSpiffeId } from './spiffe.ts';
import { encodeTbs, type TbsFields } from './tbs.ts';
import { leafRequest, makeWorld, type World } from './testing/world.ts';

let world: World;
let request: LeafRequest;
let tbs: Buffer;
let intended: Intended;

beforeAll(async () => {
  world = await makeWorld();
  request = await leafRequest('exporter');
  tbs = prepareLeaf(world.authorities.exporter, request).tbs;
  intended = meant(readTbsCertificate(tbs, LINT));
});

function meant({ issuer, subject, notBefore, notAfter }: TbsCertificate): Intended {
  const { serialNumber, publicKey, dnsNames, ipAddresses } = request;
  return {
    serialNumber,
    publicKey,
    issuer,
    subject,
    notBefore,
    notAfter,
    algorithm: 'ecdsa-p256',
    ca: false,
    names: { uris: [formatSpiffeId(request.spiffeId)], dnsNames, ipAddresses },
    purpose: OID.serverAuth,
    authorityKeyId: keyIdentifier(world.authorities.exporter.signer.publicKey),
    extensions: [
      [OID.basicConstraints, true],
      [OID.keyUsage, true],
      [OID.extendedKeyUsage, false],
      [OID.subjectAltName, true],
      [OID.subjectKeyIdentifier, false],
      [OID.authorityKeyIdentifier, false],
    ],
    issuerCertificate: new X509Certificate(world.authorities.exporter.certificate),
    checkProfile: (certificate) => checkLeafProfile(certificate, 'exporter'),
  };
}

/** What an encoder with a mistake could have produced. */
function encoded(fields: Partial<TbsFields>, extensions?: readonly Buffer[]): Buffer {
  return encodeTbs({ ...intended, ...fields }, extensions ?? good());
}

function good(): [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer] {
  return [
    NO_AUTHORITY,
    LEAF_KEY_USAGE,
    extendedKeyUsage(OID.serverAuth),
    subjectAltName(intended.names, true),
    subjectKeyIdentifier(keyIdentifier(request.publicKey)),
    authorityKeyIdentifier(intended.authorityKeyId),
  ];
}

function isRefused(bytes: Buffer): boolean {
  try {
    lint(bytes, intended);
    return false;
  } catch (error) {
    if (!isTorchpassError(error, 'LINT_FAILED')) throw error;
    return true;
  }
}

test('what was meant passes', () => {
  expect(isRefused(tbs)).toBe(false);
  expect(encoded({})).toEqual(tbs);
});

test('a change of any bit is noticed before anything is signed', () => {
  for (let bit = 0; bit < tbs.length * 8; bit += 1) {
    const changed = Buffer.from(tbs);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(isRefused(changed), `bit ${bit}`).toBe(true);
  }
});

test('OpenSSL alone notices what our own reader was told to expect', () => {
  const { certificate } = world.authorities.scraper;
  for (const wrong of [
    { ca: true },
    { purpose: OID.clientAuth },
    { purpose: undefined },
    { issuerCertificate: new X509Certificate(certificate) },
    { issuerCertificate: undefined },
  ]) {
    expect(() => lint(tbs, { ...intended, ...wrong })).toThrow('OpenSSL does not read back what was meant');
  }
});

describe('mistakes of an encoder', () => {
  test('in a field', async () => {
    const later = new Date(intended.notAfter.getTime() + 1000);
    const publicKey = publicKeyInfo(await generatePrivateKey());
    expect(isRefused(encoded({ notAfter: later }))).toBe(true);
    expect(isRefused(encoded({ notBefore: new Date(intended.notBefore.getTime() - 1000) }))).toBe(true);
    expect(isRefused(encoded({ publicKey }))).toBe(true);
    expect(isRefused(encoded({ algorithm: 'ed25519' }))).toBe(true);
    expect(isRefused(encoded({ subject: intended.issuer }))).toBe(true);
    expect(isRefused(encoded({ issuer: intended.subject }))).toBe(true);
    expect(isRefused(encoded({ serialNumber: Buffer.concat([Buffer.from([0]), request.serialNumber]) }))).toBe(true);
  });

  test('in the extensions', () => {
    const [constraints, usage, purpose, names, own, issuer] = good();
    const other = { ...intended.names, dnsNames: ['evil.example.org'] };
    const swapped = { ...intended.names, ipAddresses: intended.names.ipAddresses.toReversed() };
    for (const list of [
      [constraints, usage, purpose, names, own],
      [constraints, usage, names, own, issuer],
      [usage, purpose, names, own, issuer],
      [constraints, usage, extendedKeyUsage(OID.clientAuth), names, own, issuer],
      [constraints, usage, purpose, subjectAltName(other, true), own, issuer],
      [constraints, usage, purpose, subjectAltName(swapped, true), own, issuer],
      [constraints, usage, purpose, subjectAltName(intended.names, false), own, issuer],
      [constraints, usage, purpose, names, subjectKeyIdentifier(intended.authorityKeyId), issuer],
      [constraints, usage, purpose, names, own, authorityKeyIdentifier(keyIdentifier(request.publicKey))],
      [constraints, usage, purpose, names, own, issuer, issuer],
      [usage, constraints, purpose, names, own, issuer],
    ]) {
      expect(isRefused(encoded({}, list))).toBe(true);
    }
  });
});
