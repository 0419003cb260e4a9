import { TorchpassError } from '@torchpass/core';

/** What Torchpass sets in the web configuration of exporter-toolkit: always mutual TLS. Paths are absolute. */
export interface WebConfig {
  clientCaFile: string;
  certFile: string;
  keyFile: string;
  clientAuthType: 'RequireAndVerifyClientCert' | 'VerifyClientCertIfGiven';
  /** Exact matches on the client's DNS, e-mail, IP and URI SANs; only where the exporter understands it (toolkit 0.10). */
  clientAllowedSans?: readonly string[] | undefined;
  /** User to bcrypt hash. */
  basicAuthUsers?: Readonly<Record<string, string>> | undefined;
  minVersion?: 'TLS12' | 'TLS13' | undefined;
}

export function renderWebConfig(_config: WebConfig): string {
  throw new TorchpassError('INTERNAL', 'renderWebConfig is not written yet.');
}

export function readWebConfig(_text: string): WebConfig {
  throw new TorchpassError('INTERNAL', 'readWebConfig is not written yet.');
}
