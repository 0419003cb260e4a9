import {
  certificatesToPem,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  privateKeyToPem,
  publicKeyInfo,
  signPrepared,
} from '@torchpass/pki';
import { systemRandom } from '@torchpass/core';
import { expect, it, vi } from 'vitest';
import { readPassphrase } from '../../packages/controller/src/config/passphrase.ts';
import { openAuthorities } from '../../packages/controller/src/issuance/authorities.ts';
import { openStore } from '../../packages/controller/src/store/store.ts';
import { dial, enrollOver, renewOver } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import { labPassphrase } from '../../packages/controller/src/testing/surroundings.ts';

/**
 * Attack: an identity that has ended or has not begun, also on a connection from before; a clock that is wrong by hours.
 * Defence: validity is judged by the controller's clock at every call, for the whole chain; certificates never outlive their issuer.
 * Lives in: packages/controller/src/grpc/authenticate.ts, pki/src/verify.ts.
 * Seen to fail: without the comparison with `peer.notAfter` the open connection goes on; without `checkTime` the identity of tomorrow is accepted.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const HOUR = 3_600_000;
const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };
const REJECTED = { code: 'IDENTITY_REJECTED' };

it('an identity that has ended is refused, on a connection from before and on a new one', async () => {
  const lab = await startLab({ config: { certificates: { identity_lifetime: '1h' } } });
  const identity = await enrollOver(lab, await newToken(lab));
  const open = dial(lab, identity);
  await open.checkIn(NOTHING);
  lab.clock.advance(HOUR + 1000);
  await expect(open.checkIn(NOTHING)).rejects.toMatchObject(REJECTED);
  await expect(dial(lab, identity).checkIn(NOTHING)).rejects.toMatchObject(REJECTED);
});

it('an identity of tomorrow, signed by the true authority, is refused today', async () => {
  const lab = await startLab();
  const store = await openStore({ path: `${lab.config.storage_path}/torchpass.db`, clock: lab.clock });
  const authorities = await openAuthorities(store, await readPassphrase(labPassphrase(lab)));
  await store.destroy();
  const authority = authorities.active('agent');
  const key = await generatePrivateKey();
  const prepared = prepareLeaf(authority, {
    role: 'agent',
    spiffeId: { trustDomain: authorities.trustDomain, kind: 'agent', host: 'web-1' },
    dnsNames: [],
    ipAddresses: [],
    publicKey: publicKeyInfo(key),
    serialNumber: newSerialNumber(systemRandom),
    notBefore: new Date(lab.clock.now().getTime() + 24 * HOUR),
    notAfter: new Date(lab.clock.now().getTime() + 48 * HOUR),
  });
  const chain = certificatesToPem([await signPrepared(prepared, authority.signer), authority.certificate]);
  await expect(dial(lab, { chain, key: privateKeyToPem(key) }).checkIn(NOTHING)).rejects.toMatchObject(REJECTED);
  const reasons = lab.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(JSON.stringify(reasons.findLast(({ msg }) => msg === 'identity rejected'))).toMatch(/not valid before/);
});

it('a clock that was set back by hours makes no identity valid that has not begun, and locks nobody out when it is right again', async () => {
  const lab = await startLab();
  const identity = await enrollOver(lab, await newToken(lab));
  lab.clock.advance(-5 * HOUR);
  await expect(dial(lab, identity).checkIn(NOTHING)).rejects.toMatchObject(REJECTED);
  lab.clock.advance(5 * HOUR);
  const renewed = await renewOver(lab, identity);
  expect(await dial(lab, renewed).checkIn(NOTHING)).toMatchObject({ exporters: [] });
});

it('a clock that was hours ahead for a while leaves no token usable that has expired, and the host renews', async () => {
  const lab = await startLab();
  const [used, late] = [await newToken(lab), await newToken(lab)];
  const identity = await enrollOver(lab, used);
  lab.clock.advance(9 * HOUR);
  await expect(enrollOver(lab, late, 'late')).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  const ahead = await renewOver(lab, identity);
  lab.clock.advance(-9 * HOUR);
  await expect(dial(lab, ahead).checkIn(NOTHING)).rejects.toMatchObject(REJECTED);
  lab.clock.advance(9 * HOUR);
  expect(await dial(lab, ahead).checkIn(NOTHING)).toMatchObject({ exporters: [] });
});
