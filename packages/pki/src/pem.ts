import { TorchpassError } from '@torchpass/core';
import { TAG } from './der.ts';
import { DerReader, type Origin } from './der-reader.ts';

const LONGEST_TEXT = 1024 * 1024;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ORIGIN: Origin = { code: 'CERTIFICATE_INVALID', claim: 'A certificate in the PEM text is not valid' };

/** PEM (RFC 7468) of DER certificates, in the order given. */
export function certificatesToPem(chain: readonly Uint8Array[]): string {
  return chain.map((der) => block('CERTIFICATE', der)).join('');
}

/** PEM (RFC 7468) of DER certificate revocation lists, in the order given. */
export function crlsToPem(crls: readonly Uint8Array[]): string {
  return crls.map((der) => block('X509 CRL', der)).join('');
}

function block(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * DER of the certificates in a PEM text, in its order, at least one. Text around the blocks is skipped, as RFC 7468
 * allows; any other block, such as a private key, is a mistake that is named. CERTIFICATE_INVALID.
 */
export function certificatesFromPem(text: string | Uint8Array): Buffer[] {
  const pem = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  if (pem.length > LONGEST_TEXT) throw invalid('The PEM text is longer than 1 MiB.');
  const blocks = [...pem.matchAll(BLOCK)];
  const begins = pem.split('-----BEGIN ').length - 1;
  if (begins !== blocks.length) throw invalid('The PEM text is cut off or damaged.');
  if (blocks.length === 0) throw invalid('The PEM text holds no certificate.');
  return blocks.map(([, label, body = '']) => {
    if (label !== 'CERTIFICATE') throw invalid(`The PEM text holds a ${label} where certificates belong.`);
    const base64 = body.replace(/\s+/g, '');
    if (!BASE64.test(base64)) throw invalid('A certificate in the PEM text is not valid: it is not base64.');
    const der = Buffer.from(base64, 'base64');
    const reader = new DerReader(der, ORIGIN);
    reader.expect(TAG.sequence, 'the certificate');
    reader.end('the certificate');
    return der;
  });
}

function invalid(message: string): TorchpassError {
  return new TorchpassError('CERTIFICATE_INVALID', message, {
    hint: 'Give PEM text with CERTIFICATE blocks and nothing else.',
  });
}
