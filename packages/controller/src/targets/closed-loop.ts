import { certificatesToPem } from '@torchpass/pki';
import { probeTls, type ProbeCredentials, type ProbeOutcome } from '@torchpass/prometheus';
import type { Authorities } from '../issuance/authorities.ts';

export interface Look {
  host: string;
  port: number;
  path: string;
  connectTo: string;
  /** Serial number that has to be served. */
  serial: string;
}

/** Undefined when the exporter serves the certificate that was looked for, else what is wrong. */
export type LookFromOutside = (look: Look, signal?: AbortSignal) => Promise<string | undefined>;

export interface ClosedLoopTools {
  authorities: Authorities;
  /** The scraper's certificate and key, as Prometheus has them. */
  scraper: () => Promise<ProbeCredentials>;
  timeoutMs: number;
}

/** Metrics of a busy node_exporter have some 200 KB; the start of them proves enough. */
const LARGEST_LOOK_BYTES = 64 * 1024;

/**
 * Looks at an exporter from outside as Prometheus would: same authority, same client certificate, same name check.
 * Answers undefined when it serves exactly the certificate that was just issued, else what is wrong, for people.
 */
export function createClosedLoop({ authorities, scraper, timeoutMs }: ClosedLoopTools) {
  return async (look: Look, signal?: AbortSignal): Promise<string | undefined> => {
    const outcome = await probeTls(
      { host: look.host, port: look.port, path: look.path },
      {
        trust: certificatesToPem([...authorities.trusted('exporter')]),
        client: await scraper(),
        timeoutMs,
        maxBytes: LARGEST_LOOK_BYTES,
        connectTo: look.connectTo,
        signal,
      },
    );
    return complaint(outcome, look);
  };
}

function complaint(outcome: ProbeOutcome, { host, port, path, serial }: Look): string | undefined {
  const place = `${host} port ${port}`;
  const reason = 'reason' in outcome ? outcome.reason.replace(/\.$/, '') : '';
  switch (outcome.kind) {
    case 'unreachable':
      return `The controller cannot reach ${place}: ${reason}. Check the firewall and the address.`;
    case 'refused':
      return `${place} refuses the scraper's certificate: ${reason}. Is its web configuration the one that the agent wrote?`;
    case 'untrusted':
      return `${place} does not serve this host's certificate: ${reason}.`;
    case 'answered':
      if (outcome.serverSerial !== serial)
        return `${place} serves certificate ${outcome.serverSerial}, not the newest (${serial}).`;
      if (outcome.status !== 200) return `${place} answers ${path} with HTTP status ${outcome.status}.`;
      return undefined;
  }
}
