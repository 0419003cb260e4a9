import { isTorchpassError, TorchpassError, type Files, type Random } from '@torchpass/core';
import { join } from 'node:path';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { createAuthorities, openAuthorities } from '../issuance/authorities.ts';
import { createIssuance } from '../issuance/issuance.ts';
import { createPrometheusFolder, prometheusPaths } from '../scrapers/prometheus-folder.ts';
import { createPrometheusService } from '../scrapers/prometheus-service.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore } from '../store/store.ts';
import type { Flags } from './program.ts';
import { realSurroundings } from './surroundings.ts';

const PASSPHRASE_BYTES = 32;

/** Makes everything that a controller needs; what is there already stays as it is. */
export async function init(flags: Flags): Promise<void> {
  const base = await realSurroundings(flags);
  const { config, files, clock, random } = base;
  await files.makeFolder(config.storage_path, { mode: 0o711 });
  const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
  try {
    const source = passphraseSource(config.authorities.passphrase_file, process.env);
    const madePassphrase = await makePassphrase(source.path, files, random);
    const passphrase = await readPassphrase(source);
    const store = await openStore({ path: join(config.storage_path, 'torchpass.db'), clock });
    try {
      const made = await createAuthorities(
        {
          trustDomain: config.trust_domain,
          passphrase,
          rootLifetimeMs: config.authorities.root_lifetime,
          issuingLifetimeMs: config.authorities.issuing_lifetime,
        },
        { store, clock, random },
      ).then(
        () => true,
        (error: unknown) => {
          if (isTorchpassError(error, 'ALREADY_INITIALIZED')) return false;
          throw error;
        },
      );
      const authorities = await openAuthorities(store, passphrase);
      checkTrustDomain(authorities.trustDomain, config.trust_domain);
      const prometheusFolder = createPrometheusFolder({
        ...base,
        issuance: createIssuance({ ...base, store, authorities }),
        authorities,
        folder: config.prometheus.folder,
        owner: base.prometheusOwner,
        scraperName: config.prometheus.scraper_name,
        scraperLifetimeMs: config.certificates.scraper_lifetime,
        webNames: config.prometheus.web_names,
        webLifetimeMs: config.certificates.scraper_lifetime,
      });
      const setup = await createPrometheusService({
        prometheusFolder,
        paths: prometheusPaths(config.prometheus.folder),
      }).setup();
      const lines = [
        made
          ? `Made a root and four issuing authorities for ${authorities.trustDomain} in ${config.storage_path}.`
          : `${config.storage_path} has its authorities already; they stay as they are.`,
        ...(madePassphrase
          ? [`The passphrase that opens them is in ${source.path}: keep a copy of it elsewhere.`]
          : []),
        `What Prometheus reads is in ${setup.folder}. Next:`,
        ...setup.steps.map((step, index) => `  ${index + 1}. ${step}`),
        '',
        setup.scrapeConfig.trimEnd(),
        '',
        'Then start the controller: torchpass-controller run',
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    } finally {
      await store.destroy();
    }
  } finally {
    lock.release();
  }
}

/** A passphrase for who did not bring one. Answers whether it made one. */
async function makePassphrase(path: string, files: Files, random: Random): Promise<boolean> {
  if ((await files.read(path)) !== undefined) return false;
  await files.write(path, { data: `${random.bytes(PASSPHRASE_BYTES).toString('base64url')}\n`, mode: 0o600 });
  return true;
}

/** Every identity has the trust domain in it: it cannot change by editing a file. */
export function checkTrustDomain(stored: string, configured: string): void {
  if (stored === configured) return;
  throw new TorchpassError(
    'CONFIG_INVALID',
    `trust_domain is "${configured}", but this storage was made for "${stored}".`,
    {
      hint: `Set trust_domain: ${stored}, or choose another storage_path for a new installation.`,
    },
  );
}
