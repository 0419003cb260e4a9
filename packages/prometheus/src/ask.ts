import { request } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { reasonOf, systemCodeOf } from '@torchpass/core';
import { type Deadline, onAbort } from './deadline.ts';
import type { ProbeOptions, ProbeOutcome, requestFor } from './probe-options.ts';

export interface AskOptions extends ProbeOptions {
  readonly serverSerial: string;
  readonly deadline: Deadline;
}

/** Sends the request over a connection whose server was judged, and says how far it came. */
export function askOver(
  socket: TLSSocket,
  wanted: ReturnType<typeof requestFor>,
  { authorization, trust, maxBytes, timeoutMs, serverSerial, deadline }: AskOptions,
): Promise<ProbeOutcome> {
  const chainTrusted = trust !== undefined;
  return new Promise((resolve) => {
    // Once there is a status it has let us in, whatever becomes of the body.
    let answered: (() => void) | undefined;
    const failed = (outcome: ProbeOutcome) => (answered === undefined ? resolve(outcome) : answered());

    const outgoing = request({
      ...wanted,
      createConnection: () => socket,
      ...(authorization !== undefined && chainTrusted
        ? { auth: `${authorization.username}:${authorization.password.reveal()}` }
        : {}),
    });
    onAbort(deadline, () => failed({ kind: 'unreachable', reason: `There was no answer in ${timeoutMs} ms.` }));
    outgoing.on('error', (error) => failed(describeFailure(error, serverSerial)));
    outgoing.on('close', () => failed(closed(serverSerial)));
    outgoing.on('upgrade', ({ statusCode: status = 0 }) =>
      resolve({ kind: 'answered', status, bytes: 0, contentType: undefined, serverSerial, chainTrusted }),
    );
    outgoing.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const contentType = headers['content-type'];
      let bytes = 0;
      const finish = () => resolve({ kind: 'answered', status, bytes, contentType, serverSerial, chainTrusted });
      answered = finish;
      response.on('error', finish);
      response.on('end', finish);
      response.on('data', (chunk: Buffer) => {
        bytes = Math.min(maxBytes, bytes + chunk.length);
        if (bytes === maxBytes) finish();
      });
    });
    outgoing.end();
  });
}

function describeFailure(error: Error, serverSerial: string): ProbeOutcome {
  const code = systemCodeOf(error) ?? '';
  if (code.startsWith('HPE_')) return { kind: 'unreachable', reason: `It does not speak HTTP: ${describe(error)}.` };
  return { kind: 'refused', serverSerial, reason: `It did not let us in: ${describe(error)}.` };
}

export function closed(serverSerial: string | undefined): ProbeOutcome {
  return { kind: 'refused', serverSerial, reason: 'It closed the connection.' };
}

/** OpenSSL's long line, cut to the part for people: `tlsv13 alert certificate required`. */
export function describe(error: Error): string {
  const reason = (error as { reason?: unknown }).reason;
  return typeof reason === 'string' ? reason : reasonOf(error);
}
