export interface Finding {
  severity: 'error' | 'warning';
  /** For example `scrape_configs[2].tls_config.ca_file`. */
  where: string;
  problem: string;
  remedy: string;
}

export interface ExpectedPrometheus {
  /** The folder that Torchpass writes for Prometheus; absolute. */
  folder: string;
  /** Where the text comes from; relative paths in it are resolved against its folder, as Prometheus does. */
  configPath: string;
}
