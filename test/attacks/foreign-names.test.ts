import { X509Certificate } from 'node:crypto';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { TargetState } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { dial, enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken, report } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: a host that has joined asks for the name, the address or the exporter of another.
 * Defence: token and policy decide each name and address; a certificate has only what they decided, whatever is asked for.
 * Lives in: packages/controller/src/hosts/desired-exporter.ts, hosts/enrol.ts, hosts/address-owner.ts, hosts/host-certificates.ts.
 * Seen to fail: with `claimedAddress` answering what was claimed, the host gets the address of the other.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const VICTIM = '198.51.100.9';

async function twoHosts() {
  const lab = await startLab({ config: { policy: { allowed_networks: ['127.0.0.0/8', '198.51.100.0/24'] } } });
  const victim = dial(lab, await enrollOver(lab, await newToken(lab, { addresses: [VICTIM] }), 'victim'));
  await checkIn(victim, { address: VICTIM });
  const thief = dial(lab, await enrollOver(lab, await newToken(lab), 'thief'));
  return { lab, thief };
}

const checkIn = (host: ReturnType<typeof dial>, change: Parameters<typeof report>[0]) =>
  host.checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [report(change)] });

it.each([
  ['the address of another host', { address: VICTIM }],
  ['an address of nobody', { address: '198.51.100.77' }],
  ['a name', { address: 'victim.example' }],
])('a host that claims %s is refused, and gets no certificate for it', async (_what, claim) => {
  const { lab, thief } = await twoHosts();
  const { exporters } = await checkIn(thief, claim);
  expect(exporters).toMatchObject([{ state: TargetState.REFUSED, target: '', dnsNames: [], ipAddresses: [] }]);
  const certificateRequest = createCertificateRequest(await generatePrivateKey());
  const purpose = { $case: 'exporter', value: { name: 'node' } } as const;
  await expect(thief.issueCertificate({ certificateRequest, purpose })).rejects.toMatchObject({
    code: 'EXPORTER_REFUSED',
  });
  const targets = await lab.services.targets.list();
  expect(targets.filter(({ host }) => host === 'thief')).toMatchObject([{ state: 'refused' }]);
});

it("an exporter that only the other host has is not certified, and one's own has one's own name", async () => {
  const { thief } = await twoHosts();
  const issue = async (name: string) =>
    thief.issueCertificate({
      certificateRequest: createCertificateRequest(await generatePrivateKey()),
      purpose: { $case: 'exporter', value: { name } },
    });
  await expect(issue('node')).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
  await checkIn(thief, {});
  const leaf = new X509Certificate((await issue('node')).certificate?.chain[0] ?? '');
  expect(leaf.subjectAltName).toBe('URI:spiffe://torchpass.internal/exporter/thief/node, IP Address:127.0.0.1');
});

it('nobody joins under the name of another, or of the controller', async () => {
  const { lab } = await twoHosts();
  for (const [name, code] of [
    ['victim', 'HOST_NAME_TAKEN'],
    ['controller', 'NAME_INVALID'],
  ] as const) {
    const request = createCertificateRequest(await generatePrivateKey());
    const joining = dial(lab).enroll(enrollRequest(await newToken(lab), request, name));
    await expect(joining).rejects.toMatchObject({ code });
  }
});
