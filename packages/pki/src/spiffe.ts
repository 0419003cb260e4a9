import { checkName, isName, TorchpassError } from '@torchpass/core';

/** Who a certificate speaks for. The kind is also the role of the authority that says so. */
export type SpiffeId = { trustDomain: string } & (
  | { kind: 'controller' }
  | { kind: 'agent'; host: string }
  | { kind: 'exporter'; host: string; name: string }
  | { kind: 'scraper'; name: string }
);

const SCHEME = 'spiffe://';
const TRUST_DOMAIN = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/**
 * Whether `text` is a trust domain name (SPIFFE-ID, 2.1): lower-case letters, digits, dots, dashes, underscores, 1 to 255.
 * Stricter than that in one point: no part between dots is empty, because Go, in which exporters are written, refuses a
 * certificate with such a host in a URI.
 */
export function isTrustDomain(text: string): boolean {
  return text.length <= 255 && TRUST_DOMAIN.test(text);
}

/** `spiffe://DOMAIN/agent/HOST` and so on. NAME_INVALID when a part would not read back. */
export function formatSpiffeId(id: SpiffeId): string {
  return `${formatTrustDomain(id.trustDomain)}/${pathOf(id).join('/')}`;
}

/** The identity in a URI; undefined for everything that `formatSpiffeId` does not write. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (!text.startsWith(SCHEME)) return undefined;
  const [trustDomain = '', kind, ...names] = text.slice(SCHEME.length).split('/');
  const [first, second] = names;
  if (!isTrustDomain(trustDomain) || !names.every(isName)) return undefined;
  switch (`${kind}/${names.length}`) {
    case 'controller/0':
      return { trustDomain, kind: 'controller' };
    case 'agent/1':
      return first === undefined ? undefined : { trustDomain, kind: 'agent', host: first };
    case 'exporter/2':
      return first === undefined || second === undefined
        ? undefined
        : { trustDomain, kind: 'exporter', host: first, name: second };
    case 'scraper/1':
      return first === undefined ? undefined : { trustDomain, kind: 'scraper', name: first };
    default:
      return undefined;
  }
}

/** `spiffe://DOMAIN`, what an authority is named (X509-SVID, 3.1: signing certificates have no path). */
export function formatTrustDomain(trustDomain: string): string {
  if (isTrustDomain(trustDomain)) return SCHEME + trustDomain;
  throw new TorchpassError('NAME_INVALID', `${JSON.stringify(trustDomain.slice(0, 80))} cannot be a trust domain.`, {
    hint: 'A trust domain is written like a DNS name in lower case, for example metrics.example.org.',
  });
}

/** The trust domain of an authority's URI, or undefined. */
export function parseTrustDomain(text: string): string | undefined {
  const trustDomain = text.slice(SCHEME.length);
  return text.startsWith(SCHEME) && isTrustDomain(trustDomain) ? trustDomain : undefined;
}

function pathOf(id: SpiffeId): string[] {
  switch (id.kind) {
    case 'controller':
      return ['controller'];
    case 'agent':
      return ['agent', checkName('host', id.host)];
    case 'exporter':
      return ['exporter', checkName('host', id.host), checkName('exporter', id.name)];
    case 'scraper':
      return ['scraper', checkName('scraper', id.name)];
  }
}
