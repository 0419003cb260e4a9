import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@torchpass/agent';
import { loadConfig } from '@torchpass/controller';
import { canonicalIp, checkName, isTorchpassError, nodeFiles } from '@torchpass/core';
import { describeCertificate, readCertificateRequest, verifyChain } from '@torchpass/pki';
import { webConfigProblems } from '@torchpass/prometheus';
import { CheckInRequest, decodeJoinToken, EnrollRequest, IssueCertificateRequest } from '@torchpass/protocol';
import { decideExporter } from '../../packages/controller/src/hosts/desired-exporter.ts';
import type { HostTable } from '../../packages/controller/src/store/schema.ts';
import {
  checkClaimableAddress,
  checkNetwork,
  isInNetworks,
  vetAddress,
} from '../../packages/controller/src/targets/address-policy.ts';
import { openPolicy } from '../../packages/controller/src/testing/policy.ts';
import type { Campaign } from './run.ts';

/** One of ours, with a code for whoever sent it. */
const isOurs = (error: unknown) => isTorchpassError(error) && error.code !== 'INTERNAL';
/** The decoder's own complaints; gRPC answers them itself. Not: a stack or a memory that ran out. */
const isDecoders = (error: unknown) =>
  error instanceof Error && !/call stack|allocation|Invalid (?:array|typed array|string) length/.test(error.message);
const isEither = (error: unknown) => isOurs(error) || isDecoders(error);

const scratch = mkdtempSync(join(tmpdir(), 'torchpass-fuzz-'));
process.once('exit', () => void import('node:fs').then(({ rmSync }) => rmSync(scratch, { recursive: true })));

/** A file with this content. */
function file(name: string, content: Buffer): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

const HOST: HostTable = Object.freeze({
  id: 'aaaaaaaaaaaaaaaa',
  name: 'web-1',
  state: 'active',
  token_id: 'aaaaaaaaaaaaaaaa',
  job: null,
  labels: '{}',
  addresses: '["metrics.example.com"]',
  exporters: '[]',
  address: '8.8.8.8',
  agent_version: '',
  enrolled_at: '2026-01-01T00:00:00.000Z',
  last_seen_at: '2026-01-01T00:00:00.000Z',
  ended_at: null,
  end_reason: null,
  quarantined_at: null,
  quarantine_reason: null,
  roots_digest: null,
  identity_serial: null,
  other_address: null,
  other_seen_at: null,
  mac: '',
});

/** Nothing that is accepted may lie in one of these. */
const INWARD = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/8',
  'fe80::/10',
  'fc00::/7',
];

function neverInward(address: string): void {
  if (isInNetworks(address, INWARD)) throw new RangeError(`${address} was accepted`);
}

export const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  request: { inputs: 20_000, mutation: 'der', isExpected: isOurs, read: readCertificateRequest },

  certificate: {
    inputs: 15_000,
    mutation: 'der',
    isExpected: isOurs,
    read(input) {
      describeCertificate(input);
      for (const role of ['agent', 'exporter'] as const) {
        try {
          verifyChain([input], { anchors: [input], role, now: undefined });
        } catch (error) {
          if (!isOurs(error)) throw error;
        }
      }
    },
  },

  token: {
    inputs: 15_000,
    mutation: 'text',
    isExpected: isOurs,
    read: (input) => decodeJoinToken(input.toString('utf8')),
  },

  enrolment: {
    inputs: 10_000,
    mutation: 'protobuf',
    isExpected: isEither,
    read(input) {
      const { hostName, certificateRequest } = EnrollRequest.decode(input);
      checkName('host', hostName);
      readCertificateRequest(certificateRequest);
    },
  },

  order: {
    inputs: 5000,
    mutation: 'protobuf',
    isExpected: isEither,
    read: (input) => readCertificateRequest(IssueCertificateRequest.decode(input).certificateRequest),
  },

  'check-in': {
    inputs: 5000,
    mutation: 'protobuf',
    isExpected: isDecoders,
    async read(input) {
      const { exporters } = CheckInRequest.decode(input);
      for (const report of exporters.slice(0, 64)) {
        const decided = await decideExporter(report, {
          host: HOST,
          from: ['8.8.8.8'],
          current: null,
          policy: openPolicy(),
          resolve: async () => ['8.8.4.4'],
        });
        if (decided.connectTo !== null) neverInward(decided.connectTo);
      }
    },
  },

  address: {
    inputs: 10_000,
    mutation: 'text',
    isExpected: isOurs,
    async read(input) {
      const text = input.toString('utf8');
      if (text.includes('/')) return void checkNetwork(text);
      const claim = checkClaimableAddress(text);
      const { connectTo } = await vetAddress(claim, { allowedNetworks: [] }, async () => ['8.8.8.8', text]);
      if (canonicalIp(connectTo) === undefined) throw new RangeError(`${connectTo} would be dialled`);
      neverInward(connectTo);
    },
  },

  'web-config': {
    inputs: 3000,
    mutation: 'text',
    isExpected: isOurs,
    read: (input) => webConfigProblems(input.toString('utf8')),
  },

  'controller-config': {
    inputs: 1500,
    mutation: 'text',
    isExpected: isOurs,
    read: async (input) => loadConfig(file('controller.yml', input), {}, 'monitor.example.org'),
  },

  'agent-config': {
    inputs: 1500,
    mutation: 'text',
    isExpected: isOurs,
    read: async (input) => loadSettings({ configFile: file('agent.yml', input) }, nodeFiles()),
  },
};
