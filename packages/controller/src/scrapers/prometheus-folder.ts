import { canonicalIp, Turns, type Owner } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { renderScrapeConfig, renderWebConfig, type ProbeCredentials } from '@torchpass/prometheus';
import { join } from 'node:path';
import { CONTROLLER_HOST } from '../hosts/host-name.ts';
import { keepPair, type Pair, type PairTools } from './kept-pair.ts';

export interface PrometheusFolderOptions extends PairTools {
  /** Absolute path of the folder. */
  folder: string;
  /** The controller's user with Prometheus's group, which may read and not write; undefined leaves the controller's own. */
  owner: Owner | undefined;
  scraperName: string;
  scraperLifetimeMs: number;
  webNames: readonly string[];
  webLifetimeMs: number;
}

/** What is where in the folder that Prometheus reads. */
export function prometheusPaths(folder: string) {
  return {
    folder,
    exportersCa: join(folder, 'exporters-ca.pem'),
    scraper: join(folder, 'scraper.pem'),
    scraperKey: join(folder, 'scraper-key.pem'),
    targets: join(folder, 'targets'),
    staging: join(folder, 'staging'),
    scrapeConfig: join(folder, 'scrape-config.yml'),
    web: join(folder, 'web'),
    revocationLists: join(folder, 'crl'),
    webConfig: join(folder, 'web-config.yml'),
    webCertificate: join(folder, 'web', 'certificate.pem'),
    webKey: join(folder, 'web', 'key.pem'),
    webClientsCa: join(folder, 'web', 'clients-ca.pem'),
  };
}

export interface PrometheusFolder {
  /** Makes what is missing, renews what is due, and leaves the rest alone. */
  refresh(): Promise<{ scraper: Pair; web: Pair }>;
  /** The certificate and key that Prometheus scrapes with. */
  credentials(): Promise<ProbeCredentials>;
}

/** Keeps the folder that Prometheus reads: trust, its client certificate, its web interface's certificate, the job to paste. */
export function createPrometheusFolder(options: PrometheusFolderOptions): PrometheusFolder {
  const { files, authorities, folder, owner } = options;
  const paths = prometheusPaths(folder);
  // Prometheus reads through its group. The folders are not its own: it could put a link where the controller writes.
  const readable = { mode: 0o640, owner };
  const isIp = (name: string) => canonicalIp(name) !== undefined;

  const turns = new Turns();
  // One at a time: each file has one writer.
  const alone = <T>(work: () => Promise<T>) => turns.take(folder, work);

  const refresh = async () => {
    for (const path of [paths.folder, paths.targets, paths.staging, paths.web]) {
      await files.makeFolder(path, { mode: 0o750, owner });
    }
    await replace(paths.exportersCa, certificatesToPem([...authorities.trusted('exporter')]));
    await replace(paths.webClientsCa, certificatesToPem([...authorities.trusted('scraper')]));
    const scraper = await keepPair(scraperPair(), options);
    const web = await keepPair(webPair(), options);
    await replace(paths.scrapeConfig, renderScrapeConfig({ folder }));
    await replace(
      paths.webConfig,
      renderWebConfig({
        clientCaFile: paths.webClientsCa,
        certFile: paths.webCertificate,
        keyFile: paths.webKey,
        clientAuthType: 'VerifyClientCertIfGiven',
      }),
    );
    return { scraper, web };
  };

  return {
    refresh: () => alone(refresh),
    async credentials() {
      const { certificate, key } = await alone(() => keepPair(scraperPair(), options));
      return { certificate, key };
    },
  };

  function scraperPair() {
    const { scraperName: name } = options;
    return {
      certificatePath: paths.scraper,
      keyPath: paths.scraperKey,
      permissions: readable,
      order: {
        role: 'scraper' as const,
        hostId: null,
        subjectName: name,
        spiffeId: { trustDomain: authorities.trustDomain, kind: 'scraper' as const, name },
        dnsNames: [],
        ipAddresses: [],
        lifetimeMs: options.scraperLifetimeMs,
      },
    };
  }

  /** Prometheus is an exporter too: its interface is certified like one, so that it can scrape itself and be federated. */
  function webPair() {
    return {
      certificatePath: paths.webCertificate,
      keyPath: paths.webKey,
      permissions: readable,
      order: {
        role: 'exporter' as const,
        hostId: null,
        subjectName: options.scraperName,
        spiffeId: {
          trustDomain: authorities.trustDomain,
          kind: 'exporter' as const,
          host: CONTROLLER_HOST,
          name: options.scraperName,
        },
        dnsNames: options.webNames.filter((name) => !isIp(name)),
        ipAddresses: options.webNames.map(canonicalIp).filter((ip) => ip !== undefined),
        lifetimeMs: options.webLifetimeMs,
      },
    };
  }

  /** Writes only what differs, so that a watcher is not woken for nothing. */
  async function replace(path: string, text: string): Promise<void> {
    const old = await files.read(path);
    if (old?.toString('utf8') !== text) await files.write(path, { data: text, ...readable });
  }
}
