import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { CreatedToken, CreateTokenInput } from '@torchpass/controller/api';
import { decodeJoinToken, type JoinToken } from '@torchpass/protocol';
import type { LabController } from './controller.ts';

/** One request to the administration API, as `torchpass` makes it. For when starting a program each time takes too long. */
export async function ask(
  { socket: socketPath }: Pick<LabController, 'socket'>,
  method: 'GET' | 'POST',
  path: string,
  body?: string,
): Promise<{ status: number; answer: unknown }> {
  const headers = { host: 'torchpass', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, method, path, headers, agent: false }, resolve).on('error', reject).end(body);
  });
  return { status: response.statusCode ?? 0, answer: await json(response) };
}

/** Join tokens by the dozen. */
export function createTokens(
  controller: Pick<LabController, 'socket'>,
  count: number,
  input: CreateTokenInput = {},
): Promise<JoinToken[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { status, answer } = await ask(controller, 'POST', '/api/v1/tokens', JSON.stringify(input));
      if (status >= 300) throw new Error(JSON.stringify(answer));
      return decodeJoinToken((answer as CreatedToken).token);
    }),
  );
}
