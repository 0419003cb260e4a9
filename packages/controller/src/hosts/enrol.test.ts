import { describeCertificate, formatSpiffeId, verifyChain } from '@torchpass/pki';
import { describe, expect, it, vi } from 'vitest';
import type { CreateTokenInput } from '../api/types.ts';
import { enrolment, hostRow, joinHost, newKey, newToken, SERVER, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** How often each token was used, the least used first. */
const uses = async (lab: Lab) =>
  (await lab.services.tokens.list()).map((token) => token.uses).toSorted((a, b) => a - b);

describe('an enrolment', () => {
  it('makes a host with an identity of its own, for 30 days', async () => {
    const lab = await openLab();
    const token = await newToken(lab, { job: 'edge', labels: { env: 'prod' } });
    const key = await newKey();
    const { hostName, certificate } = await lab.enrol(enrolment(token, key));
    expect(hostName).toBe('web-1');
    const peer = verifyChain(certificate.chain, {
      anchors: lab.authorities.roots,
      role: 'agent',
      now: lab.clock.now(),
    });
    expect(formatSpiffeId(peer.spiffeId)).toBe('spiffe://torchpass.internal/agent/web-1');
    expect(peer.serial).toBe(certificate.serial);
    expect(certificate.notAfter.getTime() - lab.clock.now().getTime()).toBe(30 * 86_400_000);
    const [leaf] = certificate.chain;
    expect(leaf === undefined ? undefined : describeCertificate(leaf)).toMatchObject({
      publicKey: key.publicKey,
      dnsNames: [],
      ipAddresses: [],
    });
    expect(await lab.services.hosts.show('web-1')).toMatchObject({
      state: 'active',
      address: SERVER,
      identity: { serial: certificate.serial },
    });
  });

  it('gives the name that the token prescribes, whatever the host asks for', async () => {
    const lab = await openLab();
    const token = await newToken(lab, { hostName: 'db-9' });
    expect(await lab.enrol(enrolment(token, await newKey(), { hostName: 'web-1' }))).toMatchObject({
      hostName: 'db-9',
    });
  });

  it('keeps a version of any length short', async () => {
    const lab = await openLab();
    await lab.enrol(enrolment(await newToken(lab), await newKey(), { agentVersion: 'x'.repeat(100_000) }));
    expect((await hostRow(lab, 'web-1')).agent_version).toHaveLength(64);
  });
});

describe('an enrolment that is refused leaves the token as it was', () => {
  it.each<[string, string, (lab: Lab) => Promise<Parameters<typeof enrolment>[2]>]>([
    [
      'a request that is garbage',
      'CSR_INVALID',
      () => Promise.resolve({ certificateRequest: Buffer.from('not a request') }),
    ],
    ['an empty request', 'CSR_INVALID', () => Promise.resolve({ certificateRequest: Buffer.alloc(0) })],
    ['a huge request', 'CSR_INVALID', () => Promise.resolve({ certificateRequest: Buffer.alloc(200_000, 0x30) })],
    ['a request with a wrong signature', 'CSR_INVALID', async () => ({ certificateRequest: await forgedRequest() })],
    ['no name', 'NAME_INVALID', () => Promise.resolve({ hostName: '' })],
    ['a name with a path', 'NAME_INVALID', () => Promise.resolve({ hostName: '../web-1' })],
    ["the controller's name", 'NAME_INVALID', () => Promise.resolve({ hostName: 'controller' })],
    [
      'a name that is taken',
      'HOST_NAME_TAKEN',
      async (lab) => {
        await joinHost(lab, { name: 'web-1' });
        return { hostName: 'web-1' };
      },
    ],
  ])('%s', async (_what, code, spoil) => {
    const lab = await openLab();
    const token = await newToken(lab);
    const change = await spoil(lab);
    const hosts = await lab.services.hosts.list();
    await expect(lab.enrol(enrolment(token, await newKey(), change))).rejects.toMatchObject({ code });
    expect((await lab.services.tokens.list()).find(({ id }) => id === token.id)?.uses).toBe(0);
    expect(await lab.services.hosts.list()).toEqual(hosts);
    const host = await lab.enrol(enrolment(token, await newKey(), { hostName: 'another' }));
    expect(host.hostName).toBe('another');
  });
});

describe('a key', () => {
  it('that another host has is refused, and the token stays unused', async () => {
    const lab = await openLab();
    const key = await newKey();
    await lab.enrol(enrolment(await newToken(lab), key));
    const second = await newToken(lab);
    const request = enrolment(second, key, { hostName: 'web-2' });
    await expect(lab.enrol(request)).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect(await uses(lab)).toEqual([0, 1]);
  });

  it("that is an exporter's is refused", async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const host = await joinHost(lab, {});
    await host.serve();
    const key = await newKey();
    await lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', key.publicKey, SERVER);
    const request = enrolment(await newToken(lab), key, { hostName: 'web-2' });
    await expect(lab.enrol(request)).rejects.toMatchObject({ code: 'KEY_REUSED' });
  });

  it('that two tokens bring at the same moment makes one host', async () => {
    const lab = await openLab();
    const key = await newKey();
    const tokens = await Promise.all([newToken(lab), newToken(lab)]);
    const outcomes = await Promise.allSettled(
      tokens.map((token, index) => lab.enrol(enrolment(token, key, { hostName: `web-${index}` }))),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await uses(lab)).toEqual([0, 1]);
  });
});

describe('an enrolment whose answer was lost', () => {
  const again = async (token: CreateTokenInput, meanwhile: (lab: Lab, tokenId: string) => unknown) => {
    const lab = await openLab();
    const made = await newToken(lab, token);
    const request = enrolment(made, await newKey());
    const first = await lab.enrol(request);
    await meanwhile(lab, made.id);
    return { lab, first, second: lab.enrol(request) };
  };

  it('gets the same host and certificate, and the token counts once', async () => {
    const { lab, first, second } = await again({}, () => undefined);
    expect(await second).toEqual(first);
    expect(await uses(lab)).toEqual([1]);
    expect(await lab.services.hosts.list()).toHaveLength(1);
  });

  it('tells nothing about the rest of a request whose token is spent', async () => {
    const lab = await openLab();
    const used = await newToken(lab);
    await lab.enrol(enrolment(used, await newKey()));
    const ended = await newToken(lab, { expiresIn: '1s' });
    lab.clock.advance(2000);
    for (const token of [used, ended]) {
      const change = [{ certificateRequest: Buffer.from('nonsense') }, { hostName: '../..' }, { hostName: 'web-1' }];
      for (const wrong of change) {
        const asked = lab.enrol(enrolment(token, await newKey(), wrong));
        await expect(asked).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
      }
    }
  });

  it('gets it also when it asks for another name, or the token has ended meanwhile', async () => {
    const { first, second } = await again({ expiresIn: '1m' }, (lab) => lab.clock.advance(120_000));
    expect(await second).toEqual(first);
  });

  it.each<[string, (lab: Lab, tokenId: string) => unknown]>([
    ['the token was revoked', (lab, id) => lab.services.tokens.revoke(id, OPERATOR)],
    ['the host was revoked', (lab) => lab.services.hosts.revoke('web-1', 'stolen', OPERATOR)],
    ['the host has left', async (lab) => lab.leave(await hostRow(lab, 'web-1'), SERVER)],
    ['the certificate has ended', (lab) => lab.clock.advance(31 * 86_400_000)],
    [
      'the host has renewed with another key',
      async (lab) => {
        lab.clock.advance(1000);
        const { publicKey } = await newKey();
        await lab.certificates.identity(await hostRow(lab, 'web-1'), publicKey, SERVER);
      },
    ],
  ])('gets nothing after %s', async (_what, meanwhile) => {
    const { second } = await again({}, meanwhile);
    await expect(second).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  });
});

/** A request whose last byte, which is of the signature, is another. */
async function forgedRequest(): Promise<Buffer> {
  const { request } = await newKey();
  const forged = Buffer.from(request);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  return forged;
}
