import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connectController, type Connect, type Controller } from '@torchpass/agent';
import { systemClock, type HostPort } from '@torchpass/core';
import { certificatesToPem, createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { decodeJoinToken, TargetState, type IssueCertificateRequest } from '@torchpass/protocol';
import { pairOf } from '../harness/caller.ts';
import type { Scope } from '../harness/scope.ts';

type Trust = Parameters<Connect>[0]['trust'];
type Pair = ReturnType<typeof pairOf>;
type Key = Awaited<ReturnType<typeof generatePrivateKey>>;

/** What a server has on its disk: a key is there before it is sent, and stays until its certificate has come. */
export interface ServerSide {
  identity: Pair | undefined;
  exporter: Pair | undefined;
  /** Does all that is still to be done; called again after a failure it goes on. */
  join(address: HostPort): Promise<void>;
  /** Gets new certificates with new keys for both; called again it asks with the same keys. */
  renew(address: HostPort): Promise<void>;
}

/** An agent without its files, and an exporter that serves over TLS, on loopback. Both outlive the controller. */
export async function createServerSide(scope: Scope, trust: Trust, token: string): Promise<ServerSide> {
  const { id, secret } = decodeJoinToken(token);
  const exporter = await startExporter(scope);
  const pending = new Map<string, Key>();
  const keyFor = async (what: string) => {
    const key = pending.get(what) ?? (await generatePrivateKey());
    pending.set(what, key);
    return key;
  };

  const side: ServerSide = { identity: undefined, exporter: undefined, join, renew };
  return side;

  async function join(address: HostPort): Promise<void> {
    side.identity ??= await using(address, async (controller) => {
      const key = await keyFor('joining');
      const certificateRequest = createCertificateRequest(key);
      const proof = { tokenId: id, tokenSecret: secret.reveal() };
      const answer = await controller.enroll({ ...proof, certificateRequest, hostName: 'web-1', agentVersion: '1' });
      return pairOf(answer.certificate, key);
    });
    await using(address, async (controller) => {
      await checkIn(controller);
      if (side.exporter === undefined) await newExporterCertificate(controller, 'first');
      await untilPublished(controller);
    });
  }

  async function renew(address: HostPort): Promise<void> {
    await using(address, async (controller) => {
      const key = await keyFor('renewing');
      side.identity = await certify(controller, key, { $case: 'identity', value: {} });
    });
    await using(address, async (controller) => {
      await checkIn(controller);
      await newExporterCertificate(controller, 'renewed');
      await untilPublished(controller);
    });
  }

  async function newExporterCertificate(controller: Controller, what: string): Promise<void> {
    const key = await keyFor(`exporter ${what}`);
    side.exporter = await certify(controller, key, { $case: 'exporter', value: { name: 'node' } });
    exporter.serve(side.exporter);
  }

  async function untilPublished(controller: Controller): Promise<void> {
    const state = await checkIn(controller);
    if (state !== TargetState.PUBLISHED) throw new Error(`the target is in state ${state}`);
  }

  async function checkIn(controller: Controller): Promise<TargetState | undefined> {
    const servingSerial = Buffer.from(side.exporter?.leaf.serialNumber ?? '', 'hex');
    const where = { name: 'node', port: exporter.port, address: '', metricsPath: '', job: '' };
    const answer = await controller.checkIn({
      agentVersion: '1',
      rootsDigest: Buffer.alloc(0),
      exporters: [{ ...where, servingSerial, problem: '', scrapersDigest: Buffer.alloc(0), restartGeneration: 0 }],
    });
    return answer.exporters[0]?.state;
  }

  async function using<T>(address: HostPort, work: (controller: Controller) => Promise<T>): Promise<T> {
    const { identity } = side;
    const controller = connectController({ address, trust, identity, clock: systemClock, signal: undefined });
    try {
      return await work(controller);
    } finally {
      controller.close();
    }
  }
}

async function certify(controller: Controller, key: Key, purpose: IssueCertificateRequest['purpose']): Promise<Pair> {
  const answer = await controller.issueCertificate({ certificateRequest: createCertificateRequest(key), purpose });
  return pairOf(answer.certificate, key);
}

async function startExporter(scope: Scope) {
  const server: Server = createServer((_request, response) => response.end('up 1\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    serve: ({ chain, keyPem: key }: Pair) =>
      server.setSecureContext({ key, cert: certificatesToPem(chain.map(({ raw }) => raw)) }),
  };
}
