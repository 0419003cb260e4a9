import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { expect, it, vi } from 'vitest';
import { startLab, type RunningLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: a caller, or somebody between, asks for an older TLS, a weaker cipher, or none.
 * Defence: TLS 1.3 and nothing below it, also after the certificate was renewed; no session is resumed; the port speaks nothing in the clear.
 * Lives in: packages/controller/src/grpc/handshakes.ts.
 * Seen to fail: with `minVersion` of TLS 1.2 the second handshake of the first test is made.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

async function protocolWith(lab: RunningLab, options: ConnectionOptions): Promise<string | null> {
  const socket = connectTls({ ...lab.publicAddress, rejectUnauthorized: false, ...options });
  try {
    await once(socket, 'secureConnect');
    return socket.getProtocol();
  } finally {
    socket.destroy();
  }
}

it.each<SecureVersion>(['TLSv1', 'TLSv1.1', 'TLSv1.2'])('%s is refused, whatever the ciphers', async (version) => {
  const lab = await startLab();
  expect(await protocolWith(lab, {})).toBe('TLSv1.3');
  const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
  await expect(protocolWith(lab, old)).rejects.toThrow(/protocol version/);
});

it.each(['GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'])(
  'the clear is refused: %j',
  async (words) => {
    const lab = await startLab();
    const socket = connect(lab.publicAddress);
    socket.write(words);
    const answer = await text(socket).catch((error: Error) => error.message);
    expect(answer).not.toMatch(/HTTP|PRI|Torchpass/);
  },
);
