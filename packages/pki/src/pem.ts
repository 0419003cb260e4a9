import { notYet } from './not-yet.ts';

export function certificatesToPem(_chain: readonly Uint8Array[]): string {
  return notYet();
}

export function certificatesFromPem(_text: string | Uint8Array): Buffer[] {
  return notYet();
}
