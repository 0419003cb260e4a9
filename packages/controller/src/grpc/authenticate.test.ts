import {
  certificatesToPem,
  createCertificateRequest,
  createIssuingAuthority,
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  privateKeyToPem,
  publicKeyInfo,
  signPrepared,
  softwareSigner,
  type Role,
  type SpiffeId,
} from '@torchpass/pki';
import { formatHostPort, systemRandom } from '@torchpass/core';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readPassphrase } from '../config/passphrase.ts';
import { openAuthorities, type Authority } from '../issuance/authorities.ts';
import { openStore } from '../store/store.ts';
import { dial, enrollOver, renewOver, type Identity } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { labPassphrase } from '../testing/surroundings.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const DAY_MS = 86_400_000;
const TRUST_DOMAIN = 'torchpass.internal';
const SPIFFE_IDS: Record<Role, SpiffeId> = {
  agent: { trustDomain: TRUST_DOMAIN, kind: 'agent', host: 'web-1' },
  controller: { trustDomain: TRUST_DOMAIN, kind: 'controller' },
  exporter: { trustDomain: TRUST_DOMAIN, kind: 'exporter', host: 'web-1', name: 'node' },
  scraper: { trustDomain: TRUST_DOMAIN, kind: 'scraper', name: 'prometheus' },
};
const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };

/** A certificate of this authority that the controller's database does not know. */
async function forge(authority: Omit<Authority, 'id'>, from: Date, days: number): Promise<Identity> {
  const key = await generatePrivateKey();
  const { role } = authority;
  const prepared = prepareLeaf(authority, {
    role,
    spiffeId: SPIFFE_IDS[role],
    dnsNames: [],
    ipAddresses: role === 'exporter' || role === 'controller' ? ['127.0.0.1'] : [],
    publicKey: publicKeyInfo(key),
    serialNumber: newSerialNumber(systemRandom),
    notBefore: new Date(from.getTime() - 60_000),
    notAfter: new Date(from.getTime() + days * DAY_MS),
  });
  const leaf = await signPrepared(prepared, authority.signer);
  return { chain: certificatesToPem([leaf, authority.certificate]), key: privateKeyToPem(key) };
}

/** The installation's own authorities: what a thief of them has. */
async function authoritiesOf(lab: RunningLab) {
  const store = await openStore({ path: `${lab.config.storage_path}/torchpass.db`, clock: lab.clock });
  try {
    return await openAuthorities(store, await readPassphrase(labPassphrase(lab)));
  } finally {
    await store.destroy();
  }
}

/** Authorities of the same names and trust domain with other keys. */
async function foreignAuthority(now: Date, role: Role): Promise<Omit<Authority, 'id'>> {
  const notBefore = new Date(now.getTime() - DAY_MS);
  const notAfter = new Date(now.getTime() + 900 * DAY_MS);
  const common = { trustDomain: TRUST_DOMAIN, notBefore, notAfter };
  const rootSigner = softwareSigner(await generatePrivateKey());
  const root = await createRoot({ ...common, signer: rootSigner, serialNumber: newSerialNumber(systemRandom) });
  const signer = softwareSigner(await generatePrivateKey());
  const { publicKey } = signer;
  const serialNumber = newSerialNumber(systemRandom);
  const certificate = await createIssuingAuthority({ ...common, role, root, rootSigner, publicKey, serialNumber });
  return { role, certificate, signer, notBefore, notAfter, activatedAt: notBefore, distributedAt: undefined };
}

/** What the log said about the last refusal. */
function reason(lab: RunningLab): unknown {
  const lines = lab.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.findLast(({ msg }) => msg === 'identity rejected')?.['reason'];
}

describe('what is not an identity is refused', () => {
  it.each(['controller', 'exporter', 'scraper'] as const)('a genuine %s certificate', async (role) => {
    const lab = await startLab();
    const authority = (await authoritiesOf(lab)).active(role);
    const { checkIn } = dial(lab, await forge(authority, lab.clock.now(), 1));
    await expect(checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its chain does not verify');
  });

  it('an identity of another installation of the same name', async () => {
    const lab = await startLab();
    const authority = await foreignAuthority(lab.clock.now(), 'agent');
    const { checkIn } = dial(lab, await forge(authority, lab.clock.now(), 1));
    await expect(checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its chain does not verify');
  });

  it('one that the authority signed and the database does not know', async () => {
    const lab = await startLab();
    const authority = (await authoritiesOf(lab)).active('agent');
    const { checkIn } = dial(lab, await forge(authority, lab.clock.now(), 1));
    await expect(checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its certificate is unknown');
  });

  it('one that is not yet valid', async () => {
    const lab = await startLab();
    const authority = (await authoritiesOf(lab)).active('agent');
    const soon = new Date(lab.clock.now().getTime() + 10 * 60_000);
    const { checkIn } = dial(lab, await forge(authority, soon, 1));
    await expect(checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its chain does not verify');
  });

  it('one whose name is not that of the host it was issued to', async () => {
    const lab = await startLab();
    const identity = await enrollOver(lab, await newToken(lab));
    const store = await openStore({ path: `${lab.config.storage_path}/torchpass.db`, clock: lab.clock });
    await store.updateTable('hosts').set({ name: 'web-2' }).where('name', '=', 'web-1').execute();
    await store.destroy();
    await expect(dial(lab, identity).checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its certificate names another host');
  });

  it('one that has ended, on a new connection', async () => {
    const lab = await startLab();
    const identity = await enrollOver(lab, await newToken(lab));
    lab.clock.advance(31 * DAY_MS);
    await expect(dial(lab, identity).checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  });
});

/** A connection with a call that has no end. */
async function watching(lab: RunningLab, { chain, key }: Identity): Promise<ClientHttp2Session> {
  const url = `https://${formatHostPort(lab.publicAddress)}`;
  const session = connect(url, { rejectUnauthorized: false, cert: chain, key });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  const path = '/grpc.health.v1.Health/Watch';
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  call.on('error', () => undefined);
  await new Promise((resolve) => session.ping(resolve));
  return session;
}

describe('on a connection that was good', () => {
  const connected = async () => {
    const lab = await startLab();
    const identity = await enrollOver(lab, await newToken(lab));
    const agent = dial(lab, identity);
    await agent.checkIn(NOTHING);
    return { lab, agent, identity };
  };

  it('a host that was revoked is refused at its next call, and on a new connection', async () => {
    const { lab, agent, identity } = await connected();
    await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
    await expect(agent.checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its certificate is revoked');
    await expect(dial(lab, identity).checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    const certificateRequest = createCertificateRequest(await generatePrivateKey());
    const purpose = { $case: 'identity', value: {} } as const;
    await expect(agent.issueCertificate({ certificateRequest, purpose })).rejects.toMatchObject({
      code: 'IDENTITY_REJECTED',
    });
  });

  it('a revocation closes it at once, also with a call under way, and leaves the others open', async () => {
    const { lab, identity } = await connected();
    const other = await enrollOver(lab, await newToken(lab), 'web-2');
    const [struck, spared] = [await watching(lab, identity), await watching(lab, other)];
    await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
    await expect.poll(() => struck.closed, { timeout: 5000 }).toBe(true);
    await new Promise((resolve) => spared.ping(resolve));
    expect(spared.closed).toBe(false);
  });

  it('a certificate that ends is refused from then on', async () => {
    const { lab, agent } = await connected();
    lab.clock.advance(30 * DAY_MS - 60_000);
    await agent.checkIn(NOTHING);
    lab.clock.advance(60_000);
    await expect(agent.checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its certificate has ended');
  });

  it('renewing makes a second identity; the first is good until the second was used', async () => {
    const { lab, agent, identity } = await connected();
    const renewed = await renewOver(lab, identity);
    await agent.checkIn(NOTHING);
    await dial(lab, renewed).checkIn(NOTHING);
    await expect(agent.checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    expect(reason(lab)).toBe('its successor is in use');
  });
});

it('the caller learns the same whatever the reason', async () => {
  const lab = await startLab();
  const authorities = await authoritiesOf(lab);
  const messages = new Set<string>();
  for (const role of ['scraper', 'agent'] as const) {
    const { checkIn } = dial(lab, await forge(authorities.active(role), lab.clock.now(), 1));
    messages.add(await checkIn(NOTHING).then(String, String));
  }
  expect(messages.size).toBe(1);
});
