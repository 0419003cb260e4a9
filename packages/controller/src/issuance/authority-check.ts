import { TorchpassError } from '@torchpass/core';
import { readPublicKeyOf, signedBy, type Signer } from '@torchpass/pki';
import type { AuthorityRow } from './authority-rows.ts';

/** Whether key, certificate and root of each belong together, whatever their rows say. ROW_NOT_AUTHENTIC. */
export function checkAuthorities(
  rows: readonly AuthorityRow[],
  open: readonly { id: string; certificate: Buffer; signer: Pick<Signer, 'publicKey'> }[],
): void {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { id, certificate, signer } of open) {
    if (!readPublicKeyOf(certificate).equals(signer.publicKey)) throw strange(id, 'its certificate is for another key');
    const root = byId.get(byId.get(id)?.issued_by ?? '');
    if (root === undefined || !signedBy(certificate, root.certificate)) throw strange(id, 'its root did not sign it');
  }
}

/** An authority that has gone, or was never here, does not come back with an old row of its own. ROW_NOT_AUTHENTIC. */
export function refuseReturned(before: readonly AuthorityRow[], now: readonly AuthorityRow[]): void {
  const gone = new Set(before.flatMap(({ id, state }) => (state === 'gone' ? [id] : [])));
  for (const { id, state } of now) if (gone.has(id) && state !== 'gone') throw strange(id, 'it had gone, and is back');
}

function strange(id: string, why: string): TorchpassError {
  return new TorchpassError('ROW_NOT_AUTHENTIC', `The authority ${id} is not as Torchpass left it: ${why}.`, {
    hint: 'Somebody wrote to the database past the controller. See docs/errors.md before doing anything else.',
  });
}
