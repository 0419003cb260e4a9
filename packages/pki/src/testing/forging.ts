import type { KeyObject } from 'node:crypto';
import { systemRandom } from '@torchpass/core';
import { signatureIdentifier } from '../algorithms.ts';
import { authorityName, rootName } from '../authority-name.ts';
import { bitString, element, objectIdentifier, octetString, sequence, TAG } from '../der.ts';
import {
  AUTHORITY_KEY_USAGE,
  authorityConstraints,
  authorityKeyIdentifier,
  extendedKeyUsage,
  LEAF_KEY_USAGE,
  NO_AUTHORITY,
  subjectAltName,
  subjectKeyIdentifier,
} from '../extensions.ts';
import { generatePrivateKey, publicKeyInfo } from '../keys.ts';
import { EMPTY_NAME } from '../name.ts';
import { OID } from '../oids.ts';
import type { Role } from '../profiles.ts';
import { keyIdentifier } from '../public-key.ts';
import { newSerialNumber } from '../serial.ts';
import { formatSpiffeId } from '../spiffe.ts';
import type { TbsFields } from '../tbs.ts';
import { DAY_MS, DOMAIN, forge, IDENTITIES, NOW, type World } from './world.ts';

export interface LeafChanges {
  names?: (typeof IDENTITIES)[Role];
  uris?: readonly (typeof IDENTITIES)[Role][];
  purpose?: string;
  constraints?: Buffer;
  keyUsage?: Buffer;
  subject?: Buffer;
  issuer?: Buffer;
  more?: readonly Buffer[];
}

export interface AuthorityChanges {
  constraints?: Buffer;
  keyUsage?: Buffer;
  purpose?: string | undefined;
  named?: Role;
  uri?: string;
  subject?: Buffer;
  issuer?: Buffer;
  authorityKeyId?: Buffer;
  notAfter?: Date;
}

export function baseFields(): Omit<TbsFields, 'issuer' | 'subject' | 'publicKey'> {
  return {
    serialNumber: newSerialNumber(systemRandom),
    algorithm: 'ecdsa-p256',
    notBefore: new Date(NOW.getTime() - 60_000),
    notAfter: new Date(NOW.getTime() + DAY_MS),
  };
}

export function forgedLeaf(role: Role, key: KeyObject, publicKey: Buffer, changes: LeafChanges): Buffer {
  const issuerKeyId = keyIdentifier(publicKeyInfo(key));
  const uris = (changes.uris ?? [changes.names ?? IDENTITIES[role]]).map(formatSpiffeId);
  const issuer = changes.issuer ?? authorityName(role, issuerKeyId);
  return forge(
    { ...baseFields(), issuer, subject: changes.subject ?? EMPTY_NAME, publicKey },
    [
      changes.constraints ?? NO_AUTHORITY,
      changes.keyUsage ?? LEAF_KEY_USAGE,
      extendedKeyUsage(changes.purpose ?? OID.serverAuth),
      subjectAltName({ uris, dnsNames: ['web1.example.org'], ipAddresses: [] }, true),
      subjectKeyIdentifier(keyIdentifier(publicKey)),
      authorityKeyIdentifier(issuerKeyId),
      ...(changes.more ?? []),
    ],
    key,
  );
}

export function authorityExtensions(publicKey: Buffer, issuerKey: Buffer, changes: AuthorityChanges): Buffer[] {
  const purpose = 'purpose' in changes ? changes.purpose : OID.serverAuth;
  return [
    changes.constraints ?? authorityConstraints(0),
    changes.keyUsage ?? AUTHORITY_KEY_USAGE,
    ...(purpose === undefined ? [] : [extendedKeyUsage(purpose)]),
    subjectAltName({ uris: [changes.uri ?? `spiffe://${DOMAIN}`], dnsNames: [], ipAddresses: [] }, false),
    subjectKeyIdentifier(keyIdentifier(publicKey)),
    authorityKeyIdentifier(changes.authorityKeyId ?? keyIdentifier(issuerKey)),
  ];
}

export function forgedAuthority(role: Role, publicKey: Buffer, key: KeyObject, changes: AuthorityChanges): Buffer {
  const issuerKey = publicKeyInfo(key);
  return forge(
    {
      ...baseFields(),
      ...(changes.notAfter === undefined ? {} : { notAfter: changes.notAfter }),
      issuer: changes.issuer ?? rootName(keyIdentifier(issuerKey)),
      subject: changes.subject ?? authorityName(changes.named ?? role, keyIdentifier(publicKey)),
      publicKey,
    },
    authorityExtensions(publicKey, issuerKey, changes),
    key,
  );
}

/** A true authority of the world whose key a thief has. */
export async function stolenAuthority(world: World, role: Role) {
  const key = await generatePrivateKey();
  return { key, certificate: forgedAuthority(role, publicKeyInfo(key), world.rootKey, {}) };
}

/** A leaf that the thief signed. */
export async function stolen(world: World, role: Role, changes: LeafChanges) {
  const { key, certificate } = await stolenAuthority(world, role);
  const leaf = forgedLeaf(role, key, publicKeyInfo(await generatePrivateKey()), changes);
  return { leaf, authority: certificate };
}

export function unknownExtension(critical: boolean): Buffer {
  const flag = critical ? [element(TAG.boolean, Buffer.from([0xff]))] : [];
  return sequence(
    objectIdentifier('1.3.6.1.4.1.99999.1'),
    ...flag,
    octetString(bitString(signatureIdentifier('ed25519'))),
  );
}
