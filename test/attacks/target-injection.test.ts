import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import type { ExporterReport } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { dial, enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken, report } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: names, jobs, paths and labels that break out of a target file, or put one elsewhere (JSON, YAML, file names).
 * Defence: names have few letters; what may hold others is only ever written by a JSON encoder; labels come from tokens, checked.
 * Lives in: packages/controller/src/hosts/desired-exporter.ts, prometheus/src/targets.ts, prometheus/src/labels.ts.
 * Seen to fail: without the check of the job in `checkReport` a file appears outside of the folder.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NASTY = [
  '../../escaped',
  'a"}},{"targets":["evil:1"]}]',
  "a\n- targets: ['evil:1']",
  '${HOME}',
  '\u2028',
  'a\0b',
  '{{ .Values }}',
];

async function hostOnLab() {
  const lab = await startLab({
    config: { policy: { allowed_networks: ['127.0.0.0/8'] } },
    seams: { look: () => Promise.resolve(undefined) },
  });
  const host = dial(lab, await enrollOver(lab, await newToken(lab, { labels: { role: 'a"}] - x: [*]' } })));
  const folder = join(lab.config.prometheus.folder, 'targets');
  const checkIn = (change: Partial<ExporterReport>) =>
    host.checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [report(change)] });
  return { lab, host, folder, checkIn };
}

it('as the job, the name or the path of an exporter', async () => {
  const { lab, checkIn, folder } = await hostOnLab();
  for (const nasty of NASTY) {
    expect(await checkIn({ job: nasty })).toMatchObject({ exporters: [{ target: '' }] });
    expect(await checkIn({ metricsPath: nasty })).toMatchObject({ exporters: [{ target: '' }] });
    await expect(checkIn({ name: nasty })).rejects.toMatchObject({ code: 'NAME_INVALID' });
  }
  const everything = await readdir(lab.folder, { recursive: true });
  expect(everything.filter((path) => path.includes('escaped'))).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
  expect((await lab.services.targets.list()).filter(({ state }) => state === 'published')).toEqual([]);
});

it('as the name of a host', async () => {
  const { lab } = await hostOnLab();
  for (const nasty of NASTY) {
    const request = createCertificateRequest(await generatePrivateKey());
    const joining = dial(lab).enroll(enrollRequest(await newToken(lab), request, nasty));
    await expect(joining).rejects.toMatchObject({ code: 'NAME_INVALID' });
  }
});

it('as a label of the token, and as a path that may hold quotes: one target, with just these', async () => {
  const { host, folder, checkIn } = await hostOnLab();
  const metricsPath = '/metrics"}},{"targets":["evil:1"],"labels":{"a":"';
  await checkIn({ metricsPath });
  const answer = await host.issueCertificate({
    certificateRequest: createCertificateRequest(await generatePrivateKey()),
    purpose: { $case: 'exporter', value: { name: 'node' } },
  });
  const servingSerial = Buffer.from(new X509Certificate(answer.certificate?.chain[0] ?? '').serialNumber, 'hex');
  await checkIn({ metricsPath, servingSerial });
  expect(await readdir(folder)).toEqual(['node.json']);
  const written: unknown = JSON.parse(await readFile(join(folder, 'node.json'), 'utf8'));
  expect(written).toEqual([
    {
      targets: ['127.0.0.1:9100'],
      labels: { host: 'web-1', job: 'node', role: 'a"}] - x: [*]', __metrics_path__: metricsPath },
    },
  ]);
});

it('an operator cannot be made to write a label that Prometheus would take for its own', async () => {
  const { lab } = await hostOnLab();
  await expect(newToken(lab, { labels: { role: 'a\n- targets: [evil:1]' } })).rejects.toMatchObject({
    code: 'LABEL_INVALID',
  });
  for (const name of ['__address__', 'job', 'instance', 'a-b', 'a"b', ''])
    await expect(newToken(lab, { labels: { [name]: 'x' } })).rejects.toMatchObject({ code: 'LABEL_INVALID' });
});
