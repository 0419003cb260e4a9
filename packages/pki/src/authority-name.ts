import { encodeName, type NameAttribute } from './name.ts';
import { OID } from './oids.ts';
import type { Role } from './profiles.ts';

const ORGANIZATION = 'Torchpass';

/** The root's name: {O=Torchpass, CN=Torchpass root 1a2b3c4d}, with the beginning of its key identifier. */
export function rootName(keyId: Uint8Array): Buffer {
  return encodeName([
    { type: OID.organization, value: ORGANIZATION },
    { type: OID.commonName, value: `Torchpass root ${shortId(keyId)}` },
  ]);
}

/** An issuing authority's name: the OU is its role, for machines; the CN is for people. */
export function authorityName(role: Role, keyId: Uint8Array): Buffer {
  return encodeName([
    { type: OID.organization, value: ORGANIZATION },
    { type: OID.organizationalUnit, value: role },
    { type: OID.commonName, value: `Torchpass ${role} authority ${shortId(keyId)}` },
  ]);
}

/** Whether the name is one of ours with this OU and no other; undefined: with no OU at all. */
export function isNameFor(role: Role | undefined, attributes: readonly NameAttribute[]): boolean {
  const valuesOf = (type: string) =>
    attributes.filter((attribute) => attribute.type === type).map(({ value }) => value);
  return (
    valuesOf(OID.organization).join('\0') === ORGANIZATION &&
    valuesOf(OID.organizationalUnit).join('\0') === (role ?? '') &&
    valuesOf(OID.commonName).length === 1
  );
}

function shortId(keyId: Uint8Array): string {
  return Buffer.from(keyId).toString('hex').slice(0, 8);
}
