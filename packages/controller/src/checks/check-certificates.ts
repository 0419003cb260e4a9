import { reasonOf } from '@torchpass/core';
import { describeCertificate } from '@torchpass/pki';
import { checkLeaf } from '@torchpass/pki/checker';
import { hasSameNames } from '../issuance/ledger.ts';
import type { AuthorityTable, CertificateTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { error, warning, type Finding } from './finding.ts';
import { createSerialCheck } from './serials.ts';
import { timesInOrder } from './times.ts';

const PAGE = 500;
/** A reservation is signed within the same call, or at the next one of its host after a crash. */
const RESERVED_FOR_MS = 60 * 60_000;

/**
 * Reads every certificate again, with another library than the one that made it, and compares it with what the
 * database says of it: who may write there must not be able to change that unnoticed.
 */
export async function checkCertificates(store: Store, now: Date): Promise<{ checked: number; findings: Finding[] }> {
  const authorities = await store.selectFrom('authorities').selectAll().execute();
  const byId = new Map(authorities.map((row) => [row.id, row]));
  const checkSerial = createSerialCheck();
  const findings = authorities.flatMap(({ id }) => checkSerial(`authority ${id}`, id));
  let checked = 0;
  for (let after = ''; ;) {
    const rows = await store
      .selectFrom('certificates')
      .selectAll()
      .where('serial', '>', after)
      .orderBy('serial')
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      const subject = `certificate ${row.serial} (${row.role})`;
      findings.push(...checkSerial(subject, row.serial), ...findingsOf(row, byId.get(row.authority_id), subject, now));
      if (row.certificate !== null) checked += 1;
      after = row.serial;
    }
    if (rows.length < PAGE) return { checked, findings };
  }
}

function findingsOf(row: CertificateTable, authority: AuthorityTable | undefined, subject: string, now: Date) {
  return [
    ...problemsOf(row, authority).map((problem) => error(subject, problem)),
    ...doubtsAbout(row, now).map((problem) => warning(subject, problem)),
  ];
}

function problemsOf(row: CertificateTable, authority: AuthorityTable | undefined): string[] {
  if (authority === undefined) return ['Its authority is not in the database.'];
  const { certificate } = row;
  const problems = [
    ...(authority.role === row.role ? [] : [`Its authority is for the role ${authority.role}.`]),
    ...((row.revoked_at === null) === (row.revocation_reason === null)
      ? []
      : ['It is revoked without a reason, or has the reason and is not revoked.']),
    ...((certificate === null) === (row.issued_at === null) ? [] : ['It is signed or noted as issued, and not both.']),
  ];
  if (certificate === null) return problems;
  try {
    return [...problems, ...checkLeaf(certificate, authority.certificate, row.role), ...differences(row, certificate)];
  } catch (reason) {
    return [...problems, `It cannot be read (${reasonOf(reason)}).`];
  }
}

function differences(row: CertificateTable, certificate: Buffer): string[] {
  const read = describeCertificate(certificate);
  const same: Record<string, boolean> = {
    'serial number': read.serial === row.serial,
    names: hasSameNames(row, read),
    key: read.fingerprint === row.key_fingerprint,
    beginning: read.notBefore.toISOString() === row.not_before,
    end: read.notAfter.toISOString() === row.not_after,
    'to-be-signed part': certificate.includes(row.tbs),
  };
  const wrong = Object.keys(same).filter((what) => same[what] !== true);
  return wrong.length === 0 ? [] : [`Its ${wrong.join(', ')} is not what the database says.`];
}

/** What a clock that was set or a crash explains. */
function doubtsAbout(row: CertificateTable, now: Date): string[] {
  const waits = row.certificate === null && row.revoked_at === null;
  const isOld = now.getTime() - Date.parse(row.reserved_at) > RESERVED_FOR_MS;
  return [
    ...(waits && isOld ? [`It was reserved on ${row.reserved_at} and never signed.`] : []),
    ...timesInOrder(row, ['not_before', 'reserved_at', 'issued_at', 'not_after']),
    ...timesInOrder(row, ['reserved_at', 'revoked_at']),
  ];
}
