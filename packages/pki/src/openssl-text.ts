import type { NamesRead } from './extension-reader.ts';
import { ipOctets } from './ip.ts';
import { describeAttribute, type NameAttribute } from './name.ts';

/** A name as `X509Certificate.subject` shows it: one attribute a line. */
export function nameLines(attributes: readonly NameAttribute[]): string {
  return attributes.map(describeAttribute).join('\n');
}

/** The names in `X509Certificate.subjectAltName`. Throws when there is one that Torchpass never writes. */
export function namesInText(text: string): NamesRead {
  const names: NamesRead = { uris: [], dnsNames: [], addresses: [], others: 0 };
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
        names.addresses.push(ipOctets(value));
        break;
      default:
        throw new Error(`unexpected name ${part}`);
    }
  }
  return names;
}
