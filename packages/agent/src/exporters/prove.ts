import type { Clock } from '@torchpass/core';
import { type MatrixResult, probeDefences } from '@torchpass/prometheus';
import type { ExporterSettings } from '../config/settings.ts';
import type { CertificatePair } from '../identity/certificate-pair.ts';
import type { Generation } from './generation.ts';

/** For one handshake on this host; a busy machine with a slow disk stays below it. */
const PROBE_MS = 3000;
const PAUSE_MS = 200;

/** Whether every stranger was turned away and the right certificate was shown. */
export function stands(proof: MatrixResult): boolean {
  return proof.reachable && proof.problem === undefined;
}

/**
 * Tries the exporter as those would who must not get in: without TLS, without a certificate, and with the two
 * certificates of another purpose that are at hand, this host's identity and the exporter's own.
 */
export function prove(
  exporter: ExporterSettings,
  generation: Generation,
  identity: CertificatePair,
  signal: AbortSignal | undefined,
): Promise<MatrixResult> {
  return probeDefences(
    { ...exporter.probeAddress, path: exporter.metricsPath === '' ? undefined : exporter.metricsPath },
    {
      intruders: [
        { name: 'no certificate', credentials: undefined },
        { name: 'an agent identity', credentials: { certificate: identity.chainPem, key: identity.keyPem } },
        {
          name: "an exporter's certificate",
          credentials: { certificate: generation.chainPem, key: generation.keyPem },
        },
      ],
      expectedSerial: generation.serial,
      timeoutMs: PROBE_MS,
      signal,
    },
  );
}

/** Proves until it stands or the time is over, and gives the last proof. */
export async function proveWithin(
  milliseconds: number,
  attempt: () => Promise<MatrixResult>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<MatrixResult> {
  const deadline = clock.now().getTime() + milliseconds;
  for (;;) {
    const proof = await attempt();
    if (stands(proof) || clock.now().getTime() >= deadline) return proof;
    await clock.sleep(PAUSE_MS, signal);
  }
}
