import { reasonOf } from '@torchpass/core';
import { describeCertificate } from '@torchpass/pki';
import { checkLeaf } from '@torchpass/pki/checker';
import type { CertificateTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Authorities } from './authorities.ts';
import { hasSameNames } from './ledger.ts';

const PAGE = 500;

/**
 * Reads every issued certificate again, with another library than the one that made it, and compares it with what the
 * database says of it: who may write there must not be able to change that unnoticed. Problems are sentences.
 */
export async function checkLedger(
  store: Store,
  authorities: Authorities,
): Promise<{ checked: number; problems: string[] }> {
  const problems: string[] = [];
  let checked = 0;
  for (let after = ''; ;) {
    const rows = await store
      .selectFrom('certificates')
      .selectAll()
      .where('serial', '>', after)
      .where('certificate', 'is not', null)
      .orderBy('serial')
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      if (row.certificate === null) continue;
      const found = problemsOf(row, row.certificate, authorities);
      problems.push(...found.map((problem) => `Certificate ${row.serial} (${row.role}): ${problem}`));
      checked += 1;
      after = row.serial;
    }
    if (rows.length < PAGE) return { checked, problems };
  }
}

function problemsOf(row: CertificateTable, certificate: Buffer, authorities: Authorities): string[] {
  try {
    const issuer = authorities.certificateOf(row.authority_id);
    return [...checkLeaf(certificate, issuer, row.role), ...differences(row, certificate)];
  } catch (error) {
    return [`it cannot be read (${reasonOf(error)})`];
  }
}

function differences(row: CertificateTable, certificate: Buffer): string[] {
  const read = describeCertificate(certificate);
  const same: Record<string, boolean> = {
    'serial number': read.serial === row.serial,
    names: hasSameNames(row, read),
    key: read.fingerprint === row.key_fingerprint,
    end: read.notAfter.toISOString() === row.not_after,
    'to-be-signed part': certificate.includes(row.tbs),
  };
  const wrong = Object.keys(same).filter((what) => same[what] !== true);
  return wrong.length === 0 ? [] : [`its ${wrong.join(', ')} is not what the database says`];
}
