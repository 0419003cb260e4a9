import { systemRandom } from '@torchpass/core';
import {
  createIssuingAuthority,
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  prepareLeaf,
  readCertificateRequest,
  signPrepared,
  softwareSigner,
  type Issuer,
} from '@torchpass/pki';
import { makeKeyAndRequest } from '../clients/requests.ts';
import { median, row, type Bench, type Measurement, type Row } from '../measurement.ts';
import { libraryIssuer } from '../../../packages/pki/src/testing/library-issuer.ts';

const DAY_MS = 24 * 3_600_000;
const TRUST_DOMAIN = 'bench.example';
const REQUESTS = 512;

export const pki: Measurement = {
  name: 'pki',
  does: 'One thread signs requests for exporters, nothing stored: ours (read and verify the request, build, lint, check, sign) beside @peculiar/x509 (read and verify, build, sign), in turns.',
  seconds: 20,
  run,
};

async function run({ say, turns }: Bench): Promise<Row[]> {
  // Each request is new to what remembers keys, as in life.
  const fresh = () => Array.from({ length: REQUESTS }, () => makeKeyAndRequest().request);
  const ours = await ownIssuer();
  const theirs = await libraryIssuer();
  const [own, general]: [number[], number[]] = [[], []];
  await rate(ours, fresh());
  await rate(theirs, fresh());
  for (const _ of turns(5)) {
    own.push(await rate(ours, fresh()));
    general.push(await rate(theirs, fresh()));
  }
  const ratios = own.map((value, turn) => value / (general[turn] ?? Number.NaN));
  say(`Ours is ${median(ratios).toFixed(1)} times as fast, lint and all.`);
  return [
    row('ours', 'a second', own),
    row('@peculiar/x509', 'a second', general),
    row('ours to @peculiar/x509', 'times', ratios),
  ];
}

async function rate(issue: (request: Buffer) => Promise<unknown>, requests: readonly Buffer[]): Promise<number> {
  const begun = performance.now();
  for (const request of requests) await issue(request);
  return (requests.length * 1000) / (performance.now() - begun);
}

async function ownIssuer(): Promise<(request: Buffer) => Promise<Buffer>> {
  const validity = (days: number) => {
    const now = Date.now();
    return { notBefore: new Date(now - 60_000), notAfter: new Date(now + days * DAY_MS) };
  };
  const [rootSigner, signer] = [softwareSigner(await generatePrivateKey()), softwareSigner(await generatePrivateKey())];
  const serialNumber = () => newSerialNumber(systemRandom);
  const common = { trustDomain: TRUST_DOMAIN, ...validity(365) };
  const root = await createRoot({ ...common, signer: rootSigner, serialNumber: serialNumber() });
  const issuing = { ...common, role: 'exporter' as const, root, rootSigner, publicKey: signer.publicKey };
  const certificate = await createIssuingAuthority({ ...issuing, serialNumber: serialNumber() });
  const issuer: Issuer = { role: 'exporter', certificate };
  return async (request) => {
    const { publicKey } = readCertificateRequest(request);
    const prepared = prepareLeaf(issuer, {
      role: 'exporter',
      spiffeId: { trustDomain: TRUST_DOMAIN, kind: 'exporter', host: 'web-1', name: 'node' },
      dnsNames: [],
      ipAddresses: ['198.51.100.7'],
      publicKey,
      serialNumber: serialNumber(),
      ...validity(7),
    });
    return signPrepared(prepared, signer);
  };
}
