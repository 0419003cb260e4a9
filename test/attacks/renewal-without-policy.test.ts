import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { TargetState } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { dial, enrollOver, type Identity } from '../../packages/controller/src/testing/client.ts';
import { newToken, report } from '../../packages/controller/src/testing/host.ts';
import { startLab, type RunningLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: a host that got a certificate while policy allowed it renews it after policy does not, without checking in again.
 * Defence: policy decides every name anew for each certificate, not only at the check-in before it.
 * Lives in: packages/controller/src/hosts/host-certificates.ts, hosts/desired-exporter.ts.
 * Seen to fail: without `vetClaim` in `exporter` the renewal succeeds.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const renew = async (lab: RunningLab, identity: Identity) =>
  dial(lab, identity).issueCertificate({
    certificateRequest: createCertificateRequest(await generatePrivateKey()),
    purpose: { $case: 'exporter', value: { name: 'node' } },
  });

it('a network that policy no longer names is in no renewed certificate', async () => {
  const before = await startLab({ config: { policy: { allowed_networks: ['127.0.0.0/8'] } } });
  const identity = await enrollOver(before, await newToken(before));
  const { exporters } = await dial(before, identity).checkIn({
    agentVersion: '',
    rootsDigest: Buffer.alloc(0),
    exporters: [report()],
  });
  expect(exporters).toMatchObject([{ state: TargetState.PENDING, target: '127.0.0.1:9100' }]);
  expect(await renew(before, identity)).toHaveProperty('certificate');
  await before.close();

  const after = await startLab({ folder: before.folder, clock: before.clock });
  await expect(renew(after, identity)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
});

it('a name that points elsewhere by now is in no renewed certificate', async () => {
  let addresses = ['8.8.8.8'];
  const lab = await startLab({ resolve: async () => addresses, seams: { look: async () => undefined } });
  const identity = await enrollOver(lab, await newToken(lab, { addresses: ['metrics.example.com'] }));
  const exporters = [report({ address: 'metrics.example.com' })];
  await dial(lab, identity).checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters });
  expect(await renew(lab, identity)).toHaveProperty('certificate');
  addresses = ['10.0.0.7'];
  await expect(renew(lab, identity)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
});
