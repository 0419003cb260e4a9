import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '@torchpass/controller';
import { systemClock } from '@torchpass/core';
import { describeCertificate } from '@torchpass/pki';
import { readTargets } from '@torchpass/prometheus';

/** What a storage says, with the controller gone. */
export async function readRemains(storage: string) {
  const store = await openStore({ path: join(storage, 'torchpass.db'), clock: systemClock });
  try {
    const all = await store.selectFrom('certificates').selectAll().orderBy('issued_at').execute();
    const certificates = all.filter((row) => row.host_id !== null);
    return {
      hosts: await store.selectFrom('hosts').selectAll().execute(),
      tokens: await store.selectFrom('join_tokens').selectAll().execute(),
      uses: await store.selectFrom('token_uses').selectAll().execute(),
      exporters: await store.selectFrom('exporters').selectAll().execute(),
      /** Serial numbers by role, in the order of issue; of hosts. */
      serials: (role: 'agent' | 'exporter') => certificates.filter((row) => row.role === role).map((row) => row.serial),
      /** Reserved for a host and never signed. */
      unsigned: certificates.filter((row) => row.certificate === null).map((row) => row.serial),
      /** Whose certificate has another serial number than its row. */
      mismatched: all
        .filter((row) => row.certificate !== null && describeCertificate(row.certificate).serial !== row.serial)
        .map((row) => row.serial),
      files: await readdir(join(storage, 'prometheus', 'targets')),
      targets: await publishedTargets(storage),
    };
  } finally {
    await store.destroy();
  }
}

/** Addresses in Prometheus's files. A file that is not whole cannot be read. */
async function publishedTargets(storage: string): Promise<string[]> {
  const folder = join(storage, 'prometheus', 'targets');
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => readTargets(text).map(({ address }) => address));
}
