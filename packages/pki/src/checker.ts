import { notYet } from './not-yet.ts';
import type { Role } from './profiles.ts';

/** Problems of a leaf as an independent parser sees it; empty when fine. */
export function checkLeaf(_der: Uint8Array, _issuerCertificate: Uint8Array, _role: Role): string[] {
  return notYet();
}
