import { TorchpassError } from '@torchpass/core';

export interface ScrapeConfigOptions {
  /** The folder with exporters-ca.pem, scraper.pem, scraper-key.pem and targets/; absolute. */
  folder: string;
  /** torchpass unless given. */
  jobName?: string | undefined;
  /** In Prometheus's notation; Prometheus's global interval unless given. */
  scrapeInterval?: string | undefined;
  username?: string | undefined;
  /** Given together with `username`; absolute. */
  passwordFile?: string | undefined;
}

export function renderScrapeConfig(_options: ScrapeConfigOptions): string {
  throw new TorchpassError('INTERNAL', 'renderScrapeConfig is not written yet.');
}
