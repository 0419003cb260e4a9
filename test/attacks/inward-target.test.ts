import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { TargetState } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { dial, enrollOver } from '../../packages/controller/src/testing/client.ts';
import { newToken, report } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import type { Look } from '../../packages/controller/src/targets/closed-loop.ts';

/**
 * Attack: a target that points into the operator's own network, in every notation, behind a name, or behind a name that changes between check and use.
 * Defence: special ranges are refused in canonical form, every address of a name counts, what was checked is what is dialled, and each check-in checks anew.
 * Lives in: packages/controller/src/targets/address-policy.ts, hosts/desired-exporter.ts, hosts/check-in.ts.
 * Seen to fail: without `refuseSpecial` all of them are dialled; with the name instead of the checked address given to the look the last test dials what nobody checked.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** Public addresses of nobody's here: nothing is sent to them, the look from outside is the test's own. */
const PUBLIC = '8.8.8.8';
const NAME = 'metrics.example.com';

async function hostWith(claims: string[], answers: (name: string) => string[]) {
  const dialled: Look[] = [];
  const lab = await startLab({
    resolve: async (name) => answers(name),
    seams: {
      look: async (look) => {
        dialled.push(look);
        return undefined;
      },
    },
  });
  const host = dial(lab, await enrollOver(lab, await newToken(lab, { addresses: claims })));
  let servingSerial = Buffer.alloc(0);
  /** One exporter for each address. */
  const checkInAll = async (addresses: readonly string[]) => {
    const exporters = addresses.map((address, n) =>
      report({ name: n === 0 ? 'node' : `node-${n}`, port: 9100 + n, address, servingSerial }),
    );
    return (await host.checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters })).exporters;
  };
  const serve = async () => {
    const { certificate } = await host.issueCertificate({
      certificateRequest: createCertificateRequest(await generatePrivateKey()),
      purpose: { $case: 'exporter', value: { name: 'node' } },
    });
    servingSerial = Buffer.from(new X509Certificate(certificate?.chain[0] ?? '').serialNumber, 'hex');
  };
  const published = async () =>
    readFile(join(lab.config.prometheus.folder, 'targets', 'node.json'), 'utf8').catch(() => '[]');
  const checkIn = async (address: string) => (await checkInAll([address]))[0];
  return { lab, dialled, checkIn, checkInAll, serve, published };
}

const INWARD = [
  '127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1',
  '255.255.255.255 ::1 :: fe80::1 fd00::1 ff02::1 ::ffff:127.0.0.2 ::ffff:7f00:3 0:0:0:0:0:ffff:a01:204',
  '::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::',
].flatMap((line) => line.split(' '));

it('no address inside is a target, in no notation of IPv4 or IPv6: no token allows it, and no host gets it', async () => {
  const { lab, checkInAll, dialled, published } = await hostWith([], () => []);
  for (const address of INWARD) {
    await expect(newToken(lab, { addresses: [address] })).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  }
  const refused = INWARD.map(() => ({ state: TargetState.REFUSED, target: '' }));
  expect(await checkInAll(INWARD)).toMatchObject(refused);
  expect([dialled, await published()]).toEqual([[], '[]']);
});

const STRANGE = [
  '2130706433 0x7f000001 0177.0.0.1 127.1 0x7f.1 127.0.0.1. [::1] 127.0.0.1:22 http://127.0.0.1',
  '127.0.0.1/32 127.0.0.1%lo １２７.0.0.1',
].flatMap((line) => line.split(' '));

it('what some programs take for an address is none, for operators and for agents', async () => {
  const { lab, checkInAll, dialled } = await hostWith([], () => ['127.0.0.1']);
  const refused = STRANGE.map(() => ({ state: TargetState.REFUSED, target: '' }));
  expect(await checkInAll(STRANGE)).toMatchObject(refused);
  for (const text of STRANGE)
    await expect(newToken(lab, { addresses: [text] })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
  expect(dialled).toEqual([]);
});

it.each([
  ['inward', ['127.0.0.1']],
  ['inward among others', [PUBLIC, '10.0.0.5']],
  ['inward, mapped into IPv6', ['::ffff:10.0.0.5']],
  ["to the address of a cloud's own service", ['169.254.169.254']],
])('a name that points %s is no target', async (_what, addresses) => {
  const { checkIn, dialled } = await hostWith([NAME], () => addresses);
  expect(await checkIn(NAME)).toMatchObject({ state: TargetState.REFUSED, target: '' });
  expect(dialled).toEqual([]);
});

it('a name that turns inward later is no target any more', async () => {
  let now = [PUBLIC];
  const { checkIn, serve, published } = await hostWith([NAME], () => now);
  await checkIn(NAME);
  await serve();
  expect(await checkIn(NAME)).toMatchObject({ state: TargetState.PUBLISHED });
  expect(await published()).toContain(NAME);
  now = ['127.0.0.1'];
  expect(await checkIn(NAME)).toMatchObject({ state: TargetState.REFUSED, target: '' });
  expect(await published()).not.toContain(NAME);
  await expect(serve()).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
});

it('a name that changes between check and use is dialled at the address that was checked', async () => {
  let asked = 0;
  const { checkIn, serve, dialled } = await hostWith([NAME], () => {
    asked += 1;
    return [asked % 2 === 1 ? PUBLIC : '127.0.0.1'];
  });
  await checkIn(NAME);
  asked = 0;
  await serve();
  asked = 0;
  await checkIn(NAME);
  expect(dialled).toMatchObject([{ host: NAME, connectTo: PUBLIC }]);
  expect(asked).toBe(1);
});
