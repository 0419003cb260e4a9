import { checkPrometheusConfig, renderScrapeConfig } from '@torchpass/prometheus';
import type { Services } from '../api/services.ts';
import type { PrometheusFolder, prometheusPaths } from './prometheus-folder.ts';

interface Tools {
  prometheusFolder: PrometheusFolder;
  paths: ReturnType<typeof prometheusPaths>;
}

/** Helps an operator to connect Prometheus: writes what it reads, says what to paste, checks what was pasted. */
export function createPrometheusService({ prometheusFolder, paths }: Tools): Services['prometheus'] {
  return {
    async setup() {
      await prometheusFolder.refresh();
      return {
        folder: paths.folder,
        files: [
          { path: paths.exportersCa, purpose: 'whom Prometheus trusts when it scrapes' },
          { path: paths.scraper, purpose: 'the certificate that Prometheus scrapes with; renewed by itself' },
          { path: paths.scraperKey, purpose: 'its key; stays the same' },
          { path: paths.targets, purpose: 'the targets, a file for each job; kept up to date by itself' },
          { path: paths.scrapeConfig, purpose: 'the scrape job to paste' },
          { path: paths.webConfig, purpose: "TLS for Prometheus's own web interface (optional)" },
        ],
        scrapeConfig: renderScrapeConfig({ folder: paths.folder }),
        steps: [
          'Paste the scrape job into prometheus.yml, under scrape_configs.',
          'Reload Prometheus once: systemctl reload prometheus (or send it SIGHUP). Later changes need no reload.',
          'Check the result, once the controller runs: torchpass prometheus check /etc/prometheus/prometheus.yml',
          `Optional: start Prometheus with --web.config.file=${paths.webConfig} to have TLS on its own interface.`,
        ],
      };
    },

    check: async ({ path, text }) => ({
      findings: checkPrometheusConfig(text, { folder: paths.folder, configPath: path }),
    }),
  };
}
