import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { TRUST, type ClientTls } from './tls-files.ts';

export interface Answer {
  status: number;
  body: string;
}

export interface GetOptions {
  /** For https. */
  tls?: ClientTls;
  headers?: Record<string, string>;
  /** Ten seconds unless given. */
  withinMs?: number;
}

/** GET over a connection of its own, without resuming a TLS session; rejects when there is no answer. */
export async function get(url: string, { tls, headers = {}, withinMs = 10_000 }: GetOptions = {}): Promise<Answer> {
  const options = { agent: false as const, headers, signal: AbortSignal.timeout(withinMs), ...TRUST, ...tls };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    send(url, options, resolve).on('error', reject).end();
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}
