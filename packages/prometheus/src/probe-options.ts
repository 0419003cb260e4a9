import { formatHostPort, parseHostPort, type Secret, TorchpassError } from '@torchpass/core';

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
  /** Sent only to a server that was verified. */
  authorization?: { username: string; password: Secret } | undefined;
  /** For the whole attempt. */
  timeoutMs: number;
  /** Of the response's body; what comes after is not read. */
  maxBytes: number;
  /** IP to dial when `host` is a DNS name that the caller has resolved and vetted. */
  connectTo?: string | undefined;
  /** The probe rejects with its reason. */
  signal?: AbortSignal | undefined;
}

export type ProbeOutcome =
  | {
      kind: 'answered';
      status: number;
      /** Of the body, at most `maxBytes`; fewer than the exporter has when it was too slow or broke off. */
      bytes: number;
      contentType: string | undefined;
      /** As `normaliseSerial` writes it. */
      serverSerial: string;
      /** False when nothing was to be verified. */
      chainTrusted: boolean;
    }
  /** The exporter did not let us in: TLS alert, reset or close. */
  | { kind: 'refused'; serverSerial: string | undefined; reason: string }
  /** We did not accept the server: chain, name, expiry. */
  | { kind: 'untrusted'; serverSerial: string | undefined; reason: string }
  /** DNS, connect, timeout, or something that speaks neither TLS nor HTTP. */
  | { kind: 'unreachable'; reason: string };

export type PlainProbeOptions = Pick<ProbeOptions, 'timeoutMs' | 'maxBytes' | 'connectTo' | 'signal'>;
export type PlainOutcome = 'open' | 'refused' | 'unreachable';

/** What goes into the request line and the Host header; the same over TLS and without. */
export function requestFor(target: ProbeTarget): { method: 'GET'; path: string; headers: Record<string, string> } {
  const { path = '/metrics' } = target;
  const { host, port } = parseHostPort(formatHostPort(target));
  if (port === 0) throw new TorchpassError('ADDRESS_INVALID', `Nothing listens on port 0 of ${host}.`);
  if (!/^\/[\x21-\x7e]*$/u.test(path)) {
    throw new TorchpassError('ADDRESS_INVALID', `${JSON.stringify(path.slice(0, 80))} is not the path of a web page.`, {
      hint: 'It begins with a slash and has no spaces, for example /metrics.',
    });
  }
  return {
    method: 'GET',
    path,
    headers: {
      host: formatHostPort({ host, port }),
      accept: 'text/plain;version=0.0.4,*/*;q=0.1',
      'user-agent': 'torchpass-probe',
      connection: 'close',
    },
  };
}
