import { notYet } from './not-yet.ts';

export type SpiffeId = { trustDomain: string } & (
  | { kind: 'controller' }
  | { kind: 'agent'; host: string }
  | { kind: 'exporter'; host: string; name: string }
  | { kind: 'scraper'; name: string }
);

export function formatSpiffeId(_id: SpiffeId): string {
  return notYet();
}

export function parseSpiffeId(_text: string): SpiffeId | undefined {
  return notYet();
}

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;

/** Whether `text` is a trust domain name: SPIFFE-ID 2.1, lower-case letters, digits, dots, dashes, underscores, 1 to 255. */
export function isTrustDomain(text: string): boolean {
  return TRUST_DOMAIN.test(text);
}
