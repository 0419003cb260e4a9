import { X509Certificate } from 'node:crypto';
import { systemRandom } from '@torchpass/core';
import {
  certificatesToPem,
  createIssuingAuthority,
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  privateKeyFromPem,
  publicKeyInfo,
  signPrepared,
  softwareSigner,
  type Issuer,
  type Signer,
} from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { readPassphrase } from '../../packages/controller/src/config/passphrase.ts';
import { openAuthorities } from '../../packages/controller/src/issuance/authorities.ts';
import { openStore } from '../../packages/controller/src/store/store.ts';
import { dial, enrollOver, type Identity } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab, type RunningLab } from '../../packages/controller/src/testing/lab.ts';
import { labPassphrase } from '../../packages/controller/src/testing/surroundings.ts';

/**
 * Attack: the right key and the right name, even the right serial number, under the wrong issuer: another authority of the installation, or one of the same name.
 * Defence: a chain counts only when it ends at a trusted authority of the one role that is expected, by key and not by name.
 * Lives in: packages/pki/src/verify.ts, controller/src/grpc/authenticate.ts.
 * Seen to fail: without `isSignedBy` in `checkAuthority` the second is let in.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };

async function open(lab: RunningLab) {
  const store = await openStore({ path: `${lab.config.storage_path}/torchpass.db`, clock: lab.clock });
  try {
    return await openAuthorities(store, await readPassphrase(labPassphrase(lab)));
  } finally {
    await store.destroy();
  }
}

/** The member's own key, name and serial number in a certificate of this authority. */
async function copyOf(identity: Identity, lab: RunningLab, issuer: Issuer & { signer: Signer }): Promise<string> {
  const genuine = new X509Certificate(identity.chain);
  const prepared = prepareLeaf(issuer, {
    role: issuer.role,
    spiffeId:
      issuer.role === 'agent'
        ? { trustDomain: 'torchpass.internal', kind: 'agent', host: 'member' }
        : { trustDomain: 'torchpass.internal', kind: 'scraper', name: 'prometheus' },
    dnsNames: [],
    ipAddresses: [],
    publicKey: publicKeyInfo(privateKeyFromPem(identity.key)),
    serialNumber: Buffer.from(genuine.serialNumber, 'hex'),
    notBefore: new Date(lab.clock.now().getTime() - 60_000),
    notAfter: new Date(lab.clock.now().getTime() + 3_600_000),
  });
  return certificatesToPem([await signPrepared(prepared, issuer.signer), issuer.certificate]);
}

async function member() {
  const lab = await startLab();
  const identity = await enrollOver(lab, await newToken(lab), 'member');
  await dial(lab, identity).checkIn(NOTHING);
  return { lab, identity };
}

it('of another purpose of the same installation', async () => {
  const { lab, identity } = await member();
  const chain = await copyOf(identity, lab, (await open(lab)).active('scraper'));
  await expect(dial(lab, { ...identity, chain }).checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('of another installation of the same trust domain', async () => {
  const { lab, identity } = await member();
  const times = {
    notBefore: new Date(lab.clock.now().getTime() - 86_400_000),
    notAfter: new Date(lab.clock.now().getTime() + 864_000_000),
  };
  const rootSigner = softwareSigner(await generatePrivateKey());
  const signer = softwareSigner(await generatePrivateKey());
  const common = { trustDomain: 'torchpass.internal', ...times };
  const root = await createRoot({ ...common, signer: rootSigner, serialNumber: newSerialNumber(systemRandom) });
  const own = { publicKey: signer.publicKey, serialNumber: newSerialNumber(systemRandom) };
  const certificate = await createIssuingAuthority({ ...common, ...own, role: 'agent', root, rootSigner });
  const chain = await copyOf(identity, lab, { role: 'agent', certificate, signer, ...times });
  await expect(dial(lab, { ...identity, chain }).checkIn(NOTHING)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
});

it('of the true name with another key: the true authority shown beside it does not help', async () => {
  const { lab, identity } = await member();
  const genuine = (await open(lab)).active('agent');
  const chain = await copyOf(identity, lab, { ...genuine, signer: softwareSigner(await generatePrivateKey()) }).catch(
    (error: unknown) => String(error),
  );
  // Our own issuer refuses to sign with a key that is not the authority's; the attacker spoils a genuine signature.
  expect(chain).toMatch(/^-----BEGIN|Error/);
  const [leaf = '', ...rest] = identity.chain.split(/(?=-----BEGIN)/);
  const der = Buffer.from(new X509Certificate(leaf).raw);
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  const spoiled = certificatesToPem([der]) + rest.join('');
  await expect(dial(lab, { ...identity, chain: spoiled }).checkIn(NOTHING)).rejects.toMatchObject({
    code: 'IDENTITY_REJECTED',
  });
});
