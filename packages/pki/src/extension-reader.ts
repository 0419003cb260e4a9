import { context, TAG } from './der.ts';
import { DerReader, type Origin } from './der-reader.ts';
import { GENERAL_NAME } from './extensions.ts';
import { OID } from './oids.ts';

export interface Extension {
  critical: boolean;
  /** DER inside the OCTET STRING. */
  value: Buffer;
}

/** Names of a SubjectAltName by type. */
export interface NamesRead {
  uris: string[];
  dnsNames: string[];
  /** 4 or 16 octets each. */
  addresses: Buffer[];
  /** How many there are of other types. */
  others: number;
}

/** Extensions by object identifier (RFC 5280, 4.2), still closed. A repeated one is refused. */
export class Extensions {
  readonly #byOid = new Map<string, Extension>();
  readonly #origin: Origin;

  /** `reader` stands before the SEQUENCE OF Extension, or is undefined when there is none. */
  constructor(reader: DerReader | undefined, origin: Origin) {
    this.#origin = origin;
    if (reader === undefined) return;
    const list = reader.enter(TAG.sequence, 'the list of extensions');
    if (list.atEnd) throw list.refuse('the list of extensions is empty');
    while (!list.atEnd) {
      const one = list.enter(TAG.sequence, 'an extension');
      const oid = one.oid('the name of an extension');
      const critical = one.has(TAG.boolean) && one.boolean('whether an extension is critical');
      const value = one.expect(TAG.octetString, 'the value of an extension').content;
      one.end('an extension');
      if (this.#byOid.has(oid)) throw one.refuse(`the extension ${oid} is repeated`);
      this.#byOid.set(oid, { critical, value });
    }
  }

  get oids(): string[] {
    return [...this.#byOid.keys()];
  }

  isCritical(oid: string): boolean {
    return this.#byOid.get(oid)?.critical === true;
  }

  basicConstraints(): { ca: boolean; pathLength: number | undefined } | undefined {
    return this.#open(OID.basicConstraints, 'the basic constraints', (reader, what) => {
      const body = reader.enter(TAG.sequence, what);
      const ca = body.has(TAG.boolean) && body.boolean(what);
      const pathLength = body.has(TAG.integer) ? body.integer('the path length') : undefined;
      body.end(what);
      if (pathLength !== undefined && (pathLength.length > 1 || (pathLength[0] ?? 0) > 0x7f)) {
        throw body.refuse('the path length is out of range');
      }
      return { ca, pathLength: pathLength?.[0] };
    });
  }

  /** The bits that are set, counted from the left, ascending. */
  keyUsage(): number[] | undefined {
    return this.#open(OID.keyUsage, 'the key usage', (reader, what) => {
      const { unused, bytes } = reader.bitString(what);
      // X.690, 11.2.2: the last bit that is written is set.
      if (((bytes.at(-1) ?? 0) & (1 << unused)) === 0) throw reader.refuse(`${what} is not minimal`);
      return [...bytes].flatMap((byte, index) =>
        [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
      );
    });
  }

  extendedKeyUsage(): string[] | undefined {
    return this.#open(OID.extendedKeyUsage, 'the extended key usage', (reader, what) => {
      const list = reader.enter(TAG.sequence, what);
      const purposes: string[] = [];
      while (!list.atEnd) purposes.push(list.oid(what));
      return purposes;
    });
  }

  subjectAltName(): NamesRead | undefined {
    return this.#open(OID.subjectAltName, 'the subject alternative name', (reader, what) => {
      const list = reader.enter(TAG.sequence, what);
      const names: NamesRead = { uris: [], dnsNames: [], addresses: [], others: 0 };
      while (!list.atEnd) {
        const { tag, content } = list.next();
        if (tag === GENERAL_NAME.uri) names.uris.push(visibleText(content, list));
        else if (tag === GENERAL_NAME.dns) names.dnsNames.push(visibleText(content, list));
        else if (tag === GENERAL_NAME.ip) names.addresses.push(addressOctets(content, list));
        else names.others += 1;
      }
      return names;
    });
  }

  subjectKeyIdentifier(): Buffer | undefined {
    return this.#open(
      OID.subjectKeyIdentifier,
      'the subject key identifier',
      (reader, what) => reader.expect(TAG.octetString, what).content,
    );
  }

  /** The keyIdentifier field alone; other forms of naming the authority are not read. */
  authorityKeyIdentifier(): Buffer | undefined {
    return this.#open(
      OID.authorityKeyIdentifier,
      'the authority key identifier',
      (reader, what) => reader.enter(TAG.sequence, what).expect(context(0), what).content,
    );
  }

  #open<T>(oid: string, what: string, read: (reader: DerReader, what: string) => T): T | undefined {
    const found = this.#byOid.get(oid);
    if (found === undefined) return undefined;
    const reader = new DerReader(found.value, this.#origin);
    const value = read(reader, what);
    reader.end(what);
    return value;
  }
}

/** An IA5String that could only be a name: no control character, no space, nothing that ends a string elsewhere. */
function visibleText(content: Buffer, reader: DerReader): string {
  const text = content.toString('latin1');
  if (!/^[\x21-\x7e]+$/.test(text)) throw reader.refuse('a name holds characters that no name may have');
  return text;
}

function addressOctets(content: Buffer, reader: DerReader): Buffer {
  if (content.length !== 4 && content.length !== 16) throw reader.refuse('an IP address has the wrong length');
  return content;
}
