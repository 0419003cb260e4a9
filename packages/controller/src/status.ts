import { reasonOf, type Clock } from '@torchpass/core';
import { certificatesFromPem, describeCertificate } from '@torchpass/pki';
import type { Services } from './api/services.ts';
import type { Authorities } from './issuance/authorities.ts';
import { countHosts, countTargets } from './store/counts.ts';
import type { PrometheusFolder, prometheusPaths } from './scrapers/prometheus-folder.ts';
import type { Store } from './store/store.ts';
import type { Publisher } from './targets/publisher.ts';
import { VERSION } from './version.ts';

interface Tools {
  store: Store;
  authorities: Authorities;
  publisher: Publisher;
  prometheusFolder: PrometheusFolder;
  /** HOST:PORT that agents dial. */
  controller: string;
  paths: ReturnType<typeof prometheusPaths>;
  clock: Clock;
}

/** The controller's state in one look, and whether it can serve. */
export function createStatus(tools: Tools): Pick<Services, 'status' | 'unready'> {
  const { store, authorities, publisher } = tools;
  const startedAt = tools.clock.now().toISOString();
  return {
    async status() {
      const rows = await store
        .selectFrom('authorities')
        .selectAll()
        .where('state', '!=', 'gone')
        .orderBy('created_at')
        .execute();
      return {
        version: VERSION,
        trustDomain: authorities.trustDomain,
        startedAt,
        controller: tools.controller,
        authorities: rows.map(({ id, role, state, not_before, not_after }) => {
          return { role, state, serial: id, notBefore: not_before, notAfter: not_after };
        }),
        hosts: await countHosts(store),
        targets: await countTargets(store),
        scraper: await scraper(),
        prometheusFolder: tools.paths.folder,
        publishProblem: publisher.problem() ?? null,
      };
    },

    async unready() {
      try {
        await store.selectFrom('installation').select('id').executeTakeFirstOrThrow();
        return undefined;
      } catch (error) {
        return `the database does not answer: ${reasonOf(error)}`;
      }
    },
  };

  async function scraper() {
    const { certificate } = await tools.prometheusFolder.credentials();
    const [leaf] = certificatesFromPem(certificate);
    if (leaf === undefined) return null;
    const { serial, notAfter } = describeCertificate(leaf);
    return { serial, notAfter: notAfter.toISOString() };
  }
}
