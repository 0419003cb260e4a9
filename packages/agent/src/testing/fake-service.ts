import { createHash, timingSafeEqual } from 'node:crypto';
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { type Clock, toTorchpassError, TorchpassError } from '@torchpass/core';
import { describeCertificate, readCertificateRequest, type SpiffeId } from '@torchpass/pki';
import {
  type AgentServiceServer,
  type Certificate,
  type DesiredExporter,
  type ExporterReport,
  TargetState,
  toStatus,
  type TrustBundle,
} from '@torchpass/protocol';
import { type Installation, TRUST_DOMAIN } from './installation.ts';

/** Everything that the fake controller knows, for tests to look at and to change. */
export interface Book {
  tokens: Map<string, { secret: Buffer; uses: number }>;
  hosts: { name: string; key: string }[];
  /** By fingerprint of the key; what it is for, and the chain. */
  issued: Map<string, { purpose: string; chain: Buffer[] }>;
  /** Method names, in order. */
  calls: string[];
  /** Of the last check-in. */
  reports: ExporterReport[];
  /** Bytes that came outside gRPC. */
  received: number;
  names: { dnsNames: string[]; ipAddresses: string[] };
  renewExporters: boolean;
  renewIdentity: boolean;
  rejectIdentities: boolean;
  /** What the next calls to enroll are answered with, one after the other, before anything is looked at. */
  enrollErrors: TorchpassError[];
  /** When agents are told to renew; undefined: at a point of their own. */
  renewIdentityAt: Date | undefined;
  renewExportersAt: Date | undefined;
  clockAheadMs: number;
  checkInSeconds: number;
  /** Changes what the agent is told about an exporter. */
  answer: ((desired: DesiredExporter) => DesiredExporter) | undefined;
  scraperIds: string[];
  restartGeneration: number;
}

type Look = (port: number, serial: string) => Promise<TargetState>;

export function createFakeService(
  book: Book,
  installation: Installation,
  look: Look,
  clock: Clock,
): AgentServiceServer {
  const issue = async (request: Buffer, purpose: string, id: SpiffeId): Promise<Certificate> => {
    const { publicKey, fingerprint } = readCertificateRequest(request);
    const earlier = book.issued.get(fingerprint);
    if (earlier !== undefined && earlier.purpose !== purpose)
      throw new TorchpassError('KEY_REUSED', 'This key was used.');
    const names = id.kind === 'exporter' ? book.names : {};
    const chain = earlier?.chain ?? (await installation.issue({ id, publicKey, ...names }));
    book.issued.set(fingerprint, { purpose, chain });
    return { chain };
  };

  return {
    enroll: handle('enroll', async ({ tokenId, tokenSecret, certificateRequest, hostName }) => {
      const error = book.enrollErrors.shift();
      if (error !== undefined) throw error;
      const token = book.tokens.get(tokenId);
      const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
      if (token === undefined || !timingSafeEqual(hash(token.secret), hash(tokenSecret))) throw refusedToken();
      const { fingerprint } = readCertificateRequest(certificateRequest);
      let host = book.hosts.find(({ key }) => key === fingerprint);
      if (host === undefined) {
        if (token.uses === 0) throw refusedToken();
        if (book.hosts.some(({ name }) => name === hostName))
          throw new TorchpassError('HOST_NAME_TAKEN', 'It is taken.');
        token.uses -= 1;
        host = { name: hostName, key: fingerprint };
        book.hosts.push(host);
      }
      const id: SpiffeId = { kind: 'agent', trustDomain: TRUST_DOMAIN, host: host.name };
      const certificate = await issue(certificateRequest, 'identity', id);
      return { hostName: host.name, certificate, trust: bundle() };
    }),

    checkIn: handle('checkIn', async ({ exporters }, call) => {
      hostOf(call);
      book.reports = exporters;
      return {
        trust: bundle(),
        exporters: await Promise.all(exporters.map(desiredFor)),
        renewIdentity: book.renewIdentity,
        nextCheckIn: { seconds: book.checkInSeconds, nanos: 0 },
        serverTime: new Date(clock.now().getTime() + book.clockAheadMs),
        renewIdentityAt: book.renewIdentityAt,
      };
    }),

    issueCertificate: handle('issueCertificate', async ({ purpose, certificateRequest }, call) => {
      const host = hostOf(call);
      const exporter = purpose?.$case === 'exporter' ? purpose.value.name : undefined;
      const id: SpiffeId =
        exporter === undefined
          ? { kind: 'agent', trustDomain: TRUST_DOMAIN, host }
          : { kind: 'exporter', trustDomain: TRUST_DOMAIN, host, name: exporter };
      return { certificate: await issue(certificateRequest, exporter ?? 'identity', id) };
    }),

    leave: handle('leave', (_request, call) => {
      const host = hostOf(call);
      book.hosts = book.hosts.filter(({ name }) => name !== host);
      return Promise.resolve({});
    }),
  };

  function bundle(): TrustBundle {
    return {
      trustDomain: TRUST_DOMAIN,
      roots: [installation.root],
      scraperAuthorities: [installation.authority('scraper')],
      scraperIds: book.scraperIds,
      restartGeneration: book.restartGeneration,
    };
  }

  async function desiredFor({ name, port, servingSerial }: ExporterReport): Promise<DesiredExporter> {
    const state = servingSerial.length === 0 ? TargetState.PENDING : await look(port, servingSerial.toString('hex'));
    const desired = {
      name,
      ...book.names,
      renew: book.renewExporters,
      state,
      target: `127.0.0.1:${port}`,
      problem: '',
      renewAt: book.renewExportersAt,
    };
    return book.answer?.(desired) ?? desired;
  }

  function hostOf(call: ServerUnaryCall<unknown, unknown>): string {
    const peer = call.getAuthContext().sslPeerCertificate;
    const id = peer === undefined ? undefined : describeCertificate(peer.raw).spiffeId;
    const known = id?.kind === 'agent' && book.hosts.some(({ name }) => name === id.host);
    if (book.rejectIdentities || !known) {
      throw new TorchpassError('IDENTITY_REJECTED', "The controller does not accept this host's identity.");
    }
    return id.host;
  }

  function handle<Request, Response>(
    name: string,
    work: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      book.calls.push(name);
      Promise.resolve()
        .then(() => work(call.request, call))
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(toStatus(toTorchpassError(error))),
        );
    };
  }
}

function refusedToken(): TorchpassError {
  return new TorchpassError('TOKEN_REJECTED', 'The controller does not accept this join token.');
}
