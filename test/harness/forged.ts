import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openAuthorities, openStore } from '@torchpass/controller';
import { Secret, systemClock, systemRandom } from '@torchpass/core';
import {
  certificatesToPem,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  privateKeyToPem,
  publicKeyInfo,
  signPrepared,
} from '@torchpass/pki';
import type { Identity } from './certificates.ts';
import type { LabController } from './controller.ts';

export interface ForgedScraper {
  /** As in `spiffe://DOMAIN/scraper/NAME`. */
  name: string;
  /** From the beginning of the authority until then. */
  notAfter: Date;
}

/**
 * A scraper's certificate as a controller would never make it, but signed with its scraper authority's own key, which is taken
 * from its storage. What an exporter says to it depends on nothing but name and time.
 */
export async function forgeScraper(
  controller: LabController,
  folder: string,
  { name, notAfter }: ForgedScraper,
): Promise<Identity> {
  const passphrase = new Secret((await readFile(join(controller.storage, 'passphrase'), 'utf8')).trim());
  const store = await openStore({ path: join(controller.storage, 'torchpass.db'), clock: systemClock });
  try {
    const { trustDomain, active } = await openAuthorities(store, passphrase);
    const authority = active('scraper');
    const key = await generatePrivateKey();
    const prepared = prepareLeaf(authority, {
      role: 'scraper',
      spiffeId: { trustDomain, kind: 'scraper', name },
      dnsNames: [],
      ipAddresses: [],
      publicKey: publicKeyInfo(key),
      serialNumber: newSerialNumber(systemRandom),
      notBefore: authority.notBefore,
      notAfter,
    });
    const certificate = await signPrepared(prepared, authority.signer);
    const files = { cert: join(folder, `${prepared.serial}.pem`), key: join(folder, `${prepared.serial}-key.pem`) };
    await writeFile(files.cert, certificatesToPem([certificate, authority.certificate]));
    await writeFile(files.key, privateKeyToPem(key));
    return files;
  } finally {
    await store.destroy();
  }
}
