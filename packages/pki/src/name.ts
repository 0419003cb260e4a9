import { element, objectIdentifier, sequence, TAG, utf8String } from './der.ts';
import type { DerReader } from './der-reader.ts';
import { OID } from './oids.ts';

export interface NameAttribute {
  /** Dotted object identifier. */
  type: string;
  value: string;
}

/** A distinguished name (RFC 5280, 4.1.2.4), one attribute in each RDN. No attributes: the empty name. */
export function encodeName(attributes: readonly NameAttribute[]): Buffer {
  return sequence(
    ...attributes.map(({ type, value }) => element(TAG.set, sequence(objectIdentifier(type), utf8String(value)))),
  );
}

export const EMPTY_NAME = encodeName([]);

/** Reads the attributes of a name in order; text of any string type. `name` reads the content of its SEQUENCE. */
export function readName(name: DerReader, what: string): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  while (!name.atEnd) {
    const relative = name.enter(TAG.set, what);
    if (relative.atEnd) throw relative.refuse(`${what} has an empty part`);
    while (!relative.atEnd) {
      const attribute = relative.enter(TAG.sequence, what);
      const type = attribute.oid(what);
      const { tag, content } = attribute.next();
      attribute.end(what);
      attributes.push({ type, value: content.toString(tag === TAG.utf8String ? 'utf8' : 'latin1') });
    }
  }
  return attributes;
}

const SHORT_NAMES = new Map<string, string>([
  [OID.commonName, 'CN'],
  [OID.organization, 'O'],
  [OID.organizationalUnit, 'OU'],
]);

/** For people: `O=Torchpass, OU=exporter`. Control characters are shown as escapes. */
export function describeName(attributes: readonly NameAttribute[]): string {
  return attributes.map(describeAttribute).join(', ');
}

export function describeAttribute({ type, value }: NameAttribute): string {
  return `${SHORT_NAMES.get(type) ?? type}=${value.replace(/\p{C}/gu, escapeCharacter)}`;
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
