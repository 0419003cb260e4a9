import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { EnrollRequest } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab, type RunningLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: the id of a token is known, and its secret is guessed from many addresses, so that no limit of one address helps.
 * Defence: wrong secrets are counted for each token; a token that is being guessed is refused for everybody meanwhile.
 * Lives in: packages/controller/src/tokens/guesses.ts, tokens/redeem.ts.
 * Seen to fail: with `mayTry` always true the right secret is accepted after any number of guesses.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** One enrolment from an address of one's own: what the answer says of it. */
async function enrolFrom(lab: RunningLab, localAddress: string, request: EnrollRequest): Promise<unknown> {
  const from = { localAddress };
  const socket = connectTls({ ...lab.publicAddress, ...from, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  const session = connect('https://127.0.0.1', { createConnection: () => socket });
  const call = session.request({
    ':method': 'POST',
    ':path': '/torchpass.v1.AgentService/Enroll',
    'content-type': 'application/grpc',
  });
  const body = EnrollRequest.encode(request).finish();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  call.end(Buffer.concat([head, body]));
  const [answer] = (await once(call, 'response')) as [Record<string, string>];
  session.destroy();
  return answer['torchpass-code'] ?? 'accepted';
}

it('guesses from a hundred addresses come to nothing, not even the right one among them', async () => {
  const lab = await startLab();
  const [token, other] = [await newToken(lab), await newToken(lab)];
  const certificateRequest = createCertificateRequest(await generatePrivateKey());
  const answers = new Set<unknown>();
  for (let n = 0; n < 30; n += 1) {
    const guess = { ...token, secret: randomBytes(20) };
    answers.add(await enrolFrom(lab, `127.0.${1 + n}.7`, enrollRequest(guess, certificateRequest)));
  }
  answers.add(await enrolFrom(lab, '127.0.200.7', enrollRequest(token, certificateRequest)));
  expect([...answers]).toEqual(['TOKEN_REJECTED']);
  expect(await lab.services.hosts.list()).toEqual([]);
  expect(lab.logged.filter((line) => line.includes('is being guessed'))).toHaveLength(1);
  expect(await enrollOver(lab, other)).toMatchObject({ chain: expect.stringContaining('BEGIN CERTIFICATE') as string });
});
