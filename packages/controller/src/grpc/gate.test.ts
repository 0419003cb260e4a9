import {
  ChannelCredentials,
  Client,
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { formatHostPort, silentLogger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { AgentServiceService, CALL_DEADLINE_MS, fromStatus, LARGEST_MESSAGE_BYTES } from '@torchpass/protocol';
import { service as healthService } from 'grpc-health-check';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { dial, enrollOver } from '../testing/client.ts';
import { watchStatements } from '../testing/crash-dialect.ts';
import { newToken, report } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { Connections } from './connections.ts';
import { createGate } from './gate.ts';
import { createAdmission, METHOD_POLICIES } from './methods.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const METHODS = [...Object.values(AgentServiceService), ...Object.values(healthService)].map(({ path }) => path);
const checkIn = { agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] };

describe('the table of methods', () => {
  it('has an entry for each method that is served, and no other', () => {
    expect(Object.keys(METHOD_POLICIES).toSorted()).toEqual(METHODS.toSorted());
  });

  it('opens to strangers nothing but enrolment and health', () => {
    const open = Object.entries(METHOD_POLICIES).filter(([, { caller }]) => caller === 'anyone');
    expect(open.map(([path]) => path).filter((path) => !path.startsWith('/grpc.health.v1.Health/'))).toEqual([
      '/torchpass.v1.AgentService/Enroll',
    ]);
  });

  it('limits every method', () => {
    for (const { burst, perSecond } of Object.values(METHOD_POLICIES)) {
      expect(burst).toBeGreaterThanOrEqual(1);
      expect(perSecond).toBeGreaterThan(0);
    }
  });

  it('bounds the time and the size of every method', () => {
    for (const [path, { deadlineMs, maxBytes }] of Object.entries(METHOD_POLICIES)) {
      expect(deadlineMs).toBeGreaterThan(0);
      expect(deadlineMs).toBeLessThanOrEqual(path.endsWith('/Watch') ? 600_000 : 30_000);
      expect(maxBytes).toBeGreaterThan(0);
      expect(maxBytes).toBeLessThanOrEqual(LARGEST_MESSAGE_BYTES);
    }
    expect(METHOD_POLICIES['/torchpass.v1.AgentService/CheckIn']?.deadlineMs).toBeGreaterThan(CALL_DEADLINE_MS);
  });

  it.each([0.1, 1, 1000])('lets everybody in at least once with a rate factor of %d', (rateFactor) => {
    const admission = createAdmission({ clock: new ManualClock(), rateFactor });
    for (const method of METHODS) expect([method, admission.admit(method, 'somebody')]).toEqual([method, true]);
  });
});

describe('a caller without a certificate', () => {
  it.each(METHODS.filter((path) => METHOD_POLICIES[path]?.caller === 'host'))('is refused at %s', async (path) => {
    const { raw } = dial(await startLab());
    await expect(raw(path)).rejects.toMatchObject({ code: 'IDENTITY_REQUIRED' });
  });

  it.each([
    '/torchpass.v1.AgentService/Approve',
    '/torchpass.v1.AgentService/constructor',
    '/grpc.reflection.v1.ServerReflection/Info',
    '/constructor',
    '/',
  ])('finds no method %s', async (path) => {
    const { raw } = dial(await startLab());
    await expect(raw(path)).rejects.toThrow(/UNIMPLEMENTED/);
  });

  it('finds none that is served but has no entry in the table', async () => {
    const { gate } = labGate();
    await expect(callThrough(gate.interceptor, '/torchpass.v1.AgentService/Forgotten')).rejects.toMatchObject({
      code: 'METHOD_NOT_ALLOWED',
    });
    await expect(callThrough(gate.interceptor, '/toString')).rejects.toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    expect(await callThrough(gate.interceptor, '/grpc.health.v1.Health/List')).toEqual(Buffer.from('reached'));
  });

  it('may ask for the health', async () => {
    const { raw } = dial(await startLab());
    // SERVING is 1 in field 1.
    expect(await raw('/grpc.health.v1.Health/Check')).toEqual(Buffer.from([8, 1]));
  });
});

describe('calls that come too fast', () => {
  it('are refused for an address, and let in again after a while', async () => {
    const lab = await startLab();
    const { raw } = dial(lab);
    const health = '/grpc.health.v1.Health/Check';
    const allowed = METHOD_POLICIES[health]?.burst ?? 0;
    for (let call = 0; call < allowed; call += 1) await raw(health);
    await expect(raw(health)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(dial(lab).raw(health)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    lab.clock.advance(10_000);
    await raw(health);
  });

  it('are counted for each host by itself, from the same address', async () => {
    const lab = await startLab();
    const token = await newToken(lab, { uses: 2 });
    const [first, second] = [await enrollOver(lab, token, 'web-1'), await enrollOver(lab, token, 'web-2')];
    const { raw } = dial(lab, first);
    // An empty request is refused after the gate, so nothing changes.
    const path = '/torchpass.v1.AgentService/IssueCertificate';
    const allowed = METHOD_POLICIES[path]?.burst ?? 0;
    expect(allowed).toBeGreaterThan(1);
    for (let call = 0; call < allowed; call += 1) {
      await expect(raw(path)).rejects.toMatchObject({ code: 'CSR_INVALID' });
    }
    await expect(raw(path)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(dial(lab, second).raw(path)).rejects.toMatchObject({ code: 'CSR_INVALID' });
  });
});

describe('who keeps failing to prove who it is', () => {
  it('is refused without a query or a line of the log, and known hosts are not', async () => {
    const queries: string[] = [];
    const lab = await startLab({ seams: { wrapDialect: watchStatements((sql) => void queries.push(sql)) } });
    const token = await newToken(lab, { uses: 2 });
    const good = dial(lab, await enrollOver(lab, token, 'web-1'));
    await good.checkIn(checkIn);
    const revoked = await enrollOver(lab, token, 'web-2');
    await lab.services.hosts.revoke('web-2', 'stolen', OPERATOR);
    const thief = dial(lab, revoked);
    const codes = new Set<unknown>();
    for (let call = 0; call < 20; call += 1) await thief.checkIn(checkIn).catch((error) => codes.add(error.code));
    expect([...codes]).toEqual(['IDENTITY_REJECTED']);
    // The first one of these is put on record; whatever follows is a count in memory.
    await expect(thief.checkIn(checkIn)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    const [asked, logged] = [queries.length, lab.logged.length];
    await expect(thief.checkIn(checkIn)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(dial(lab).checkIn(checkIn)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect([queries.length, lab.logged.length]).toEqual([asked, logged]);
    await good.checkIn(checkIn);
    lab.clock.advance(2000);
    await expect(thief.checkIn(checkIn)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  });
});

describe('a check-in over the network', () => {
  it('answers for the host whose certificate it came with', async () => {
    const lab = await startLab({ config: { policy: { allowed_networks: ['127.0.0.0/8'] } } });
    const { checkIn } = dial(lab, await enrollOver(lab, await newToken(lab)));
    const answer = await checkIn({ agentVersion: '9.9.9', rootsDigest: Buffer.alloc(0), exporters: [report()] });
    expect(answer.exporters).toMatchObject([{ name: 'node', ipAddresses: ['127.0.0.1'], target: '127.0.0.1:9100' }]);
    expect(answer.trust?.scraperIds).toEqual(['spiffe://torchpass.internal/scraper/prometheus']);
    expect(await lab.services.hosts.show('web-1')).toMatchObject({ agentVersion: '9.9.9', address: '127.0.0.1' });
  });

  it.each([
    ['65 exporters', Array.from({ length: 65 }, (_, index) => report({ name: `e${index}` })), 'REQUEST_INVALID'],
    ['two of one name', [report(), report()], 'REQUEST_INVALID'],
    ['a name that is a path', [report({ name: '../x' })], 'NAME_INVALID'],
    ['a name without end', [report({ name: 'x'.repeat(10_000) })], 'NAME_INVALID'],
  ])('with %s is refused and changes nothing', async (_what, exporters, code) => {
    const lab = await startLab();
    const { checkIn } = dial(lab, await enrollOver(lab, await newToken(lab)));
    await expect(checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters })).rejects.toMatchObject({
      code,
    });
    expect(await lab.services.targets.list()).toEqual([]);
  });

  it('that is larger than a message may be is refused', async () => {
    const lab = await startLab();
    const { checkIn } = dial(lab, await enrollOver(lab, await newToken(lab)));
    const exporters = [report({ problem: 'x'.repeat(300_000) })];
    await expect(checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters })).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    });
  });

  it('leaves: and the identity is good for nothing from then on', async () => {
    const lab = await startLab();
    const agent = dial(lab, await enrollOver(lab, await newToken(lab)));
    await agent.leave({});
    await expect(agent.checkIn(checkIn)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
    await expect(agent.leave({})).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  });

  it('asks for a certificate without saying for what, and is told', async () => {
    const lab = await startLab();
    const { issueCertificate } = dial(lab, await enrollOver(lab, await newToken(lab)));
    const certificateRequest = createCertificateRequest(await generatePrivateKey());
    await expect(issueCertificate({ certificateRequest, purpose: undefined })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
    const purpose = { $case: 'exporter', value: { name: 'node' } } as const;
    await expect(issueCertificate({ certificateRequest, purpose })).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
  });
});

describe('the public port', () => {
  it('speaks TLS 1.3 only and resumes no session, also after its certificate was renewed', async () => {
    const lab = await startLab();
    const first = await handshake(lab);
    expect((await handshake(lab, first.session)).resumed).toBe(false);
    lab.clock.advance(4 * 86_400_000);
    const renewed = await vi.waitFor(async () => {
      lab.clock.advance(6000);
      const now = await handshake(lab);
      expect(now.serial).not.toBe(first.serial);
      return now;
    });
    expect((await handshake(lab, renewed.session)).resumed).toBe(false);
    await expect(handshake(lab, undefined, 'TLSv1.2')).rejects.toThrow(/protocol version|alert/i);
  });
});

function labGate() {
  const connection = {
    address: '198.51.100.7',
    order: 1,
    presentedChain: [],
    serial: '',
    calls: 0,
    openCalls: 0,
    proven: false,
  };
  const connections = new Connections();
  vi.spyOn(connections, 'of').mockReturnValue(connection);
  const authenticate = () => Promise.reject(new Error('nobody is expected to be asked'));
  const clock = new ManualClock();
  const admission = createAdmission({ clock, rateFactor: 1 });
  const known = { has: () => false, add: () => undefined };
  return {
    gate: createGate({
      connections,
      authenticate,
      admission,
      known,
      noteRefusal: async () => undefined,
      observe: () => undefined,
      clock,
      logger: silentLogger,
    }),
  };
}

/** Serves one method behind the gate, as somebody would who forgot the table, and calls it. */
async function callThrough(gate: ServerInterceptor, path: string): Promise<unknown> {
  const server = new Server({ interceptors: [gate] });
  const bytes = (buffer: Buffer) => buffer;
  const definition = { path, requestStream: false, responseStream: false } as const;
  const serializers = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes };
  const method = { ...definition, ...serializers, responseDeserialize: bytes };
  const handler: handleUnaryCall<Buffer, Buffer> = (_call, done) => done(null, Buffer.from('reached'));
  server.addService({ method }, { method: handler });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), (error, answer) =>
        error === null ? resolve(answer) : reject(fromStatus(error, 'here')),
      );
    });
  } finally {
    client.close();
    server.forceShutdown();
  }
}

async function handshake({ publicAddress }: RunningLab, session?: Buffer, version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3') {
  const options = { minVersion: version, maxVersion: version, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
  const socket = connect({ ...publicAddress, ...options, session });
  let given: Buffer | undefined;
  socket.on('session', (ticket: Buffer) => (given = ticket));
  await once(socket, 'secureConnect');
  const serial = socket.getPeerCertificate().serialNumber;
  const resumed = socket.isSessionReused();
  // With TLS 1.3 tickets come after the handshake: an answer is later than they are.
  socket.end(`GET / HTTP/1.1\r\nHost: ${formatHostPort(publicAddress)}\r\nConnection: close\r\n\r\n`);
  await once(socket.resume(), 'close');
  return { serial, resumed, session: given };
}
