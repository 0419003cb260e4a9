import { Metadata, credentials, type ServiceError } from '@grpc/grpc-js';
import { AgentServiceClient, decodeJoinToken, type Certificate, type CheckInResponse } from '@torchpass/protocol';
import { certificatesToPem, privateKeyToPem } from '@torchpass/pki';
import type { KeyAndRequest } from './requests.ts';

/** A raw client of the controller: gRPC and TLS, and none of what the agent checks above it. */
export interface Client {
  enrol(token: string, hostName: string, request: Buffer): Promise<Certificate>;
  renew(request: Buffer): Promise<Certificate>;
  /** With one exporter, which has no certificate yet. */
  checkIn(address: string): Promise<void>;
  close(): void;
}

const CHANNEL = {
  'grpc.ssl_target_name_override': 'torchpass-controller',
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
} as const;

const DEADLINE_MS = 20_000;

/** The client side of mutual TLS: PEM. */
export interface HostIdentity {
  key: Buffer;
  chain: Buffer;
}

export function identityOf({ key }: KeyAndRequest, { chain }: Certificate): HostIdentity {
  return { key: Buffer.from(privateKeyToPem(key)), chain: Buffer.from(certificatesToPem(chain)) };
}

/** Makes its TLS connection at the first call. */
export function connect(address: string, roots: Buffer, identity?: HostIdentity): Client {
  const anyName = { checkServerIdentity: () => undefined };
  const tls = credentials.createSsl(roots, identity?.key ?? null, identity?.chain ?? null, anyName);
  const client = new AgentServiceClient(address, tls, CHANNEL);
  const call = <T>(start: (deadline: Date, done: (error: ServiceError | null, answer: T) => void) => unknown) =>
    new Promise<T>((resolve, reject) => {
      start(new Date(Date.now() + DEADLINE_MS), (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  const certificate = (answer: { certificate?: Certificate | undefined }): Certificate => {
    if (answer.certificate === undefined) throw new Error('an answer without a certificate');
    return answer.certificate;
  };
  return {
    async enrol(token, hostName, certificateRequest) {
      const { id, secret } = decodeJoinToken(token);
      const request = {
        tokenId: id,
        tokenSecret: secret.reveal(),
        certificateRequest,
        hostName,
        agentVersion: 'bench',
      };
      return certificate(await call((deadline, done) => client.enroll(request, new Metadata(), { deadline }, done)));
    },
    async renew(certificateRequest) {
      const request = { purpose: { $case: 'identity' as const, value: {} }, certificateRequest };
      return certificate(
        await call((deadline, done) => client.issueCertificate(request, new Metadata(), { deadline }, done)),
      );
    },
    async checkIn(address) {
      const exporter = {
        scrapersDigest: Buffer.alloc(0),
        restartGeneration: 0,
        name: 'node',
        port: 9100,
        address,
        metricsPath: '',
        job: '',
        problem: '',
      };
      const request = {
        agentVersion: 'bench',
        rootsDigest: Buffer.alloc(0),
        exporters: [{ ...exporter, servingSerial: Buffer.alloc(0) }],
      };
      const { exporters } = await call<CheckInResponse>((deadline, done) =>
        client.checkIn(request, new Metadata(), { deadline }, done),
      );
      if (exporters[0]?.target !== `${address}:9100`) throw new Error(`refused: ${exporters[0]?.problem}`);
    },
    close: () => client.close(),
  };
}
