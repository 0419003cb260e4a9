import { canonicalIp } from '@torchpass/core';
import { DerReader, type Origin } from './der-reader.ts';
import type { Names } from './extensions.ts';
import { describeAttribute, readName } from './name.ts';

/** A DER name as `X509Certificate.subject` shows it: one attribute a line. */
export function nameLines(name: Uint8Array, origin: Origin): string {
  return readName(new DerReader(name, origin), 'a name').map(describeAttribute).join('\n');
}

/** The names in `X509Certificate.subjectAltName`. Throws when there is one that Torchpass never writes. */
export function namesInText(text: string): Names {
  const names = { uris: [] as string[], dnsNames: [] as string[], ipAddresses: [] as string[] };
  for (const part of text === '' ? [] : text.split(', ')) {
    const colon = part.indexOf(':');
    const value = part.slice(colon + 1);
    switch (part.slice(0, colon)) {
      case 'URI':
        names.uris.push(value);
        break;
      case 'DNS':
        names.dnsNames.push(value);
        break;
      case 'IP Address':
        names.ipAddresses.push(canonicalIp(value) ?? value);
        break;
      default:
        throw new Error(`unexpected name ${part}`);
    }
  }
  return names;
}
