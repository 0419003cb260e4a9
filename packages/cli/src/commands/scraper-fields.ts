import type { ScraperStatus } from '@torchpass/controller/api';
import type { Page } from '../print/page.ts';
import { count } from '../print/words.ts';

/** What is left to do after a scraper's key was given up. */
export function printScraper({ revokedAt, waiting, exporters }: ScraperStatus, page: Page): void {
  if (revokedAt === null) return page.line("No key of Prometheus's was ever given up.");
  const done = exporters.length - waiting;
  page.line(`Given up ${page.relative(revokedAt)}: ${count(done, 'exporter')} seen to refuse it, ${waiting} not yet.`);
  if (waiting === 0) return;
  page.table(
    [
      { title: 'host', value: ({ host }) => host },
      { title: 'exporter', value: ({ exporter }) => exporter },
      { title: 'target', value: ({ target }) => target ?? '-' },
      { title: 'state', value: ({ state }) => page.colors.yellow(state) },
      { title: 'host last seen', value: ({ lastSeenAt }) => page.relative(lastSeenAt) },
      { title: 'problem', value: ({ problem }) => problem ?? '-' },
    ],
    exporters.filter(({ state }) => state !== 'done'),
  );
}
