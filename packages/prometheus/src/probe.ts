import { type Secret, TorchpassError } from '@torchpass/core';

export interface ProbeTarget {
  /** An IP address or a DNS name; what the certificate must say. */
  host: string;
  port: number;
  /** /metrics unless given. */
  path?: string | undefined;
}

export interface ProbeCredentials {
  /** PEM, leaf first, then its issuers. */
  certificate: string;
  /** PEM. */
  key: string;
}

export interface ProbeOptions {
  /** PEM anchors; an issuing authority is an anchor, as in Go. Absent: do not verify, only look. */
  trust?: string | undefined;
  client?: ProbeCredentials | undefined;
  authorization?: { username: string; password: Secret } | undefined;
  /** For the whole attempt. */
  timeoutMs: number;
  /** Of the response's body. */
  maxBytes: number;
  /** IP to dial when `host` is a DNS name that the caller has resolved and vetted. */
  connectTo?: string | undefined;
  signal?: AbortSignal | undefined;
}

export type ProbeOutcome =
  | {
      kind: 'answered';
      status: number;
      /** Of the body, at most `maxBytes`. */
      bytes: number;
      contentType: string | undefined;
      /** Lower-case hex, an even number of digits. */
      serverSerial: string;
      /** False when nothing was to be verified. */
      chainTrusted: boolean;
    }
  /** The exporter did not let us in: TLS alert, reset or close. */
  | { kind: 'refused'; serverSerial: string | undefined; reason: string }
  /** We did not accept the server: chain, name, expiry. */
  | { kind: 'untrusted'; serverSerial: string | undefined; reason: string }
  /** DNS, connect, timeout. */
  | { kind: 'unreachable'; reason: string };

export type PlainProbeOptions = Pick<ProbeOptions, 'timeoutMs' | 'maxBytes' | 'connectTo' | 'signal'>;
export type PlainOutcome = 'open' | 'refused' | 'unreachable';

export function probeTls(_target: ProbeTarget, _options: ProbeOptions): Promise<ProbeOutcome> {
  throw new TorchpassError('INTERNAL', 'probeTls is not written yet.');
}

export function probePlain(_target: ProbeTarget, _options: PlainProbeOptions): Promise<PlainOutcome> {
  throw new TorchpassError('INTERNAL', 'probePlain is not written yet.');
}
