import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { Client, ChannelCredentials, status as Status, type ServiceError } from '@grpc/grpc-js';
import type { Controller } from '@torchpass/agent';
import { createCertificateRequest } from '@torchpass/pki';
import { TargetState, type EnrollRequest, type ExporterReport, type JoinToken } from '@torchpass/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTokens } from '../harness/admin.ts';
import { callController, enrolment, newKey, pairIn, pairOf, trustOf } from '../harness/caller.ts';
import { createAuthority } from '../harness/certificates.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { get } from '../harness/http.ts';
import { suiteScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

/** Calls of the agent's protocol that no agent makes, at a real controller's public port, and what it answers. */

const scope = suiteScope();
let controller: LabController;
let trust: Awaited<ReturnType<typeof trustOf>>;
let token: JoinToken;
let stranger: Controller;
let member: Controller;

beforeAll(async () => {
  controller = await startLabController(scope);
  trust = await trustOf(controller);
  const [first, second] = (await createTokens(controller, 2)) as [JoinToken, JoinToken];
  token = second;
  stranger = callController(scope, controller, trust);
  member = await enrolled(first, 'member');
});

async function enrolled(withToken: JoinToken, name: string): Promise<Controller> {
  const key = await newKey();
  const { certificate } = await stranger.enroll(enrolment(withToken, key, name));
  return callController(scope, controller, trust, pairOf(certificate, key));
}

const nodeExporter: ExporterReport = {
  name: 'node',
  port: 9100,
  address: '',
  metricsPath: '',
  job: '',
  servingSerial: Buffer.alloc(0),
  scrapersDigest: Buffer.alloc(0),
  restartGeneration: 0,
  problem: '',
};
const checkIn = (...exporters: Partial<ExporterReport>[]) =>
  member.checkIn({
    agentVersion: 'test',
    rootsDigest: Buffer.alloc(0),
    exporters: exporters.map((report) => ({ ...nodeExporter, ...report })),
  });

describe('Enroll', () => {
  const rsa = () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return createCertificateRequest(privateKey);
  };
  const spoiled = (request: Buffer) =>
    Buffer.concat([request.subarray(0, -1), Buffer.from([(request.at(-1) ?? 0) ^ 1])]);

  it.each<[string, (good: EnrollRequest) => Partial<EnrollRequest>, string]>([
    ['an empty token', () => ({ tokenId: '', tokenSecret: Buffer.alloc(0) }), 'TOKEN_REJECTED'],
    ['an unknown token', () => ({ tokenId: 'aaaaaaaaaaaaaaaa' }), 'TOKEN_REJECTED'],
    ['SQL for a token', () => ({ tokenId: `' OR 1=1 --` }), 'TOKEN_REJECTED'],
    ['a wrong secret', () => ({ tokenSecret: Buffer.alloc(20, 7) }), 'TOKEN_REJECTED'],
    ['half of the secret', ({ tokenSecret }) => ({ tokenSecret: tokenSecret.subarray(0, 10) }), 'TOKEN_REJECTED'],
    ['no certificate request', () => ({ certificateRequest: Buffer.alloc(0) }), 'CSR_INVALID'],
    ['garbage for a request', () => ({ certificateRequest: Buffer.alloc(300, 0x30) }), 'CSR_INVALID'],
    [
      'a request with a wrong signature',
      (good) => ({ certificateRequest: spoiled(good.certificateRequest) }),
      'CSR_INVALID',
    ],
    ['a request of nine kilobytes', () => ({ certificateRequest: Buffer.alloc(9000, 0x30) }), 'CSR_INVALID'],
    ['no name', () => ({ hostName: '' }), 'NAME_INVALID'],
    ['a path for a name', () => ({ hostName: '../../etc' }), 'NAME_INVALID'],
    ['a name with a line end', () => ({ hostName: 'a\nb' }), 'NAME_INVALID'],
    ['a very long name', () => ({ hostName: 'a'.repeat(300) }), 'NAME_INVALID'],
    ["the controller's name", () => ({ hostName: 'controller' }), 'NAME_INVALID'],
    ["another host's name", () => ({ hostName: 'member' }), 'HOST_NAME_TAKEN'],
  ])('with %s', async (_what, spoil, code) => {
    const good = enrolment(token, await newKey(), 'late');
    await expect(stranger.enroll({ ...good, ...spoil(good) })).rejects.toMatchObject({ code });
    expect((await controller.hosts()).map(({ name }) => name)).toEqual(['member']);
  });

  it('with a key of a kind that is not used here', async () => {
    const good = enrolment(token, await newKey(), 'late');
    // Our own tools do not even make such a request.
    expect(rsa).toThrow(/key/i);
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    expect(() => createCertificateRequest(p384)).toThrow(/key/i);
    const request = Buffer.from(RSA_REQUEST, 'base64');
    await expect(stranger.enroll({ ...good, certificateRequest: request })).rejects.toMatchObject({
      code: 'KEY_UNSUPPORTED',
    });
  });

  it('did not use the token up, whatever was tried', async () => {
    expect(await controller.tokens()).toContainEqual(expect.objectContaining({ id: token.id, uses: 0 }));
  });
});

describe('a call of hosts', () => {
  it.each<[string, () => Promise<Controller>, string]>([
    ['without a certificate', async () => stranger, 'IDENTITY_REQUIRED'],
    [
      'with a certificate of another authority',
      async () => {
        const other = await createAuthority(await workspace(scope), 'other');
        const sans = ['URI:spiffe://torchpass.internal/agent/member'];
        return calling(await pairIn(await other.issue('member', { sans, usage: 'clientAuth' })));
      },
      'IDENTITY_REJECTED',
    ],
    ["with the scraper's certificate", () => shown('scraper.pem', 'scraper-key.pem'), 'IDENTITY_REJECTED'],
    ["with an exporter's certificate", () => shown('web/certificate.pem', 'web/key.pem'), 'IDENTITY_REJECTED'],
    [
      'of a host that was revoked',
      async () => {
        const [another] = (await createTokens(controller, 1)) as [JoinToken];
        const host = await enrolled(another, 'thrown-out');
        await host.checkIn({ agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] });
        await controller.operator('host', 'revoke', 'thrown-out', '--yes');
        return host;
      },
      'IDENTITY_REJECTED',
    ],
  ])('%s', async (_who, caller, code) => {
    const client = await caller();
    const purpose = { $case: 'identity', value: {} } as const;
    const { certificateRequest } = enrolment(token, await newKey(), '');
    await expect(
      client.checkIn({ agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] }),
    ).rejects.toMatchObject({ code });
    await expect(client.issueCertificate({ purpose, certificateRequest })).rejects.toMatchObject({ code });
    await expect(client.leave()).rejects.toMatchObject({ code });
  });

  const calling = (pair: Awaited<ReturnType<typeof pairIn>>) => callController(scope, controller, trust, pair);
  const shown = async (cert: string, key: string) =>
    calling(await pairIn({ cert: join(controller.prometheus, cert), key: join(controller.prometheus, key) }));
});

describe('CheckIn', () => {
  it.each<[string, Partial<ExporterReport>, RegExp]>([
    ['port 0', { port: 0 }, /0 is not a TCP port/],
    ['port 65536', { port: 65_536 }, /65536 is not a TCP port/],
    ['a metrics path with spaces', { metricsPath: '/a b' }, /metrics path/],
    ['a metrics path without a slash', { metricsPath: 'http://169.254.169.254/' }, /metrics path/],
    ['an address of somebody else', { address: '127.0.0.99' }, /does not allow 127.0.0.99/],
    ['an address on the public internet', { address: '198.51.100.7' }, /does not allow 198.51.100.7/],
    ['an address that is none', { address: 'http://x/' }, /http:\/\/x\//],
    ['an address with a port', { address: '127.0.0.1:22' }, /127.0.0.1:22/],
  ])('refuses an exporter with %s', async (_what, report, answer) => {
    const { exporters } = await checkIn(report);
    expect(exporters).toMatchObject([{ state: TargetState.REFUSED, target: '', dnsNames: [], ipAddresses: [] }]);
    expect(exporters[0]?.problem).toMatch(answer);
  });

  it('refuses a name that is none, two of one name, and more than there can be', async () => {
    await expect(checkIn({ name: '../node' })).rejects.toMatchObject({ code: 'NAME_INVALID' });
    await expect(checkIn({}, {})).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    const many = Array.from({ length: 65 }, (_, index) => ({ name: `e-${index}`, port: 9000 + index }));
    await expect(checkIn(...many)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('does not publish what claims a certificate that it does not have', async () => {
    const { exporters } = await checkIn({ servingSerial: Buffer.alloc(16, 1) });
    expect(exporters).toMatchObject([{ state: TargetState.PENDING, target: '127.0.0.1:9100' }]);
    expect((await controller.targets()).filter(({ state }) => state === 'published')).toEqual([]);
  });
});

describe('IssueCertificate', () => {
  it.each<[string, object, string]>([
    ['without a purpose', { purpose: undefined }, 'REQUEST_INVALID'],
    [
      'for an exporter that it has not',
      { purpose: { $case: 'exporter', value: { name: 'mysql' } } },
      'EXPORTER_REFUSED',
    ],
    ['for no name', { purpose: { $case: 'exporter', value: { name: '' } } }, 'EXPORTER_REFUSED'],
    ['without a request', { certificateRequest: Buffer.alloc(0) }, 'CSR_INVALID'],
  ])('%s', async (_what, spoil, code) => {
    await checkIn({});
    const { certificateRequest } = enrolment(token, await newKey(), '');
    const good = { purpose: { $case: 'identity', value: {} } as const, certificateRequest };
    await expect(member.issueCertificate({ ...good, ...spoil })).rejects.toMatchObject({ code });
  });

  it('for a key that has another purpose already', async () => {
    await checkIn({});
    const { certificateRequest } = enrolment(token, await newKey(), '');
    await member.issueCertificate({ purpose: { $case: 'identity', value: {} }, certificateRequest });
    const purpose = { $case: 'exporter', value: { name: 'node' } } as const;
    await expect(member.issueCertificate({ purpose, certificateRequest })).rejects.toMatchObject({
      code: 'KEY_REUSED',
    });
  });
});

describe('what is no call of the protocol', () => {
  const raw = (path: string, bytes: Buffer) => {
    const anyName = { checkServerIdentity: () => undefined };
    const credentials = ChannelCredentials.createSsl(Buffer.from(trust.rootsPem), null, null, anyName);
    const client = new Client(controller.address, credentials, {
      'grpc.ssl_target_name_override': 'torchpass-controller',
      'grpc.use_local_subchannel_pool': 1,
    });
    scope.defer(() => client.close());
    const same = (buffer: Buffer) => buffer;
    return new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(path, same, same, bytes, { deadline: Date.now() + 20_000 }, (error) => resolve(error));
    });
  };
  const enroll = '/torchpass.v1.AgentService/Enroll';

  it.each<[string, string, Buffer, Status[]]>([
    [
      'a method that is not there',
      '/torchpass.v1.AgentService/Nothing',
      Buffer.alloc(0),
      [Status.UNIMPLEMENTED, Status.PERMISSION_DENIED],
    ],
    [
      'a service that is not there',
      '/admin.v1.Admin/Do',
      Buffer.alloc(0),
      [Status.UNIMPLEMENTED, Status.PERMISSION_DENIED],
    ],
    [
      'a message that is none',
      enroll,
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      [Status.INVALID_ARGUMENT, Status.INTERNAL],
    ],
    ['a message of a megabyte', enroll, Buffer.alloc(1024 * 1024, 0x0a), [Status.RESOURCE_EXHAUSTED]],
  ])('%s', async (_what, path, bytes, expected) => {
    const error = await raw(path, bytes);
    expect(expected).toContain(error?.code);
    expect(error?.details).not.toMatch(/\n {4}at |node:internal|\/packages\//);
  });

  it('leaves the controller as it was', async () => {
    expect(await get(`${controller.operations}/-/ready`)).toMatchObject({ status: 200 });
    expect(await checkIn({})).toMatchObject({ exporters: [{ state: TargetState.PENDING }] });
    expect(controller.process.output).not.toMatch(/\n {4}at |level=error/);
  });
});

/** openssl req -new -newkey rsa:2048 -nodes -subj / -outform DER | base64 -w0 */
const RSA_REQUEST =
  'MIICRTCCAS0CAQAwADCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANiXg83/CdrdMDXIa16rbPlO4c8cbHv+qSFjuAJeaz8wolfR+6E8ay4d+vZa22RggdP0oTVeHCPCH29TqQLHZmphxBNuvh5nhRPcy1mTabIk0r1fmfJsqw6HDHbuf8IBffFvl+SpZ3RK1sy4n6HzKiPZfeBqTS486u44EAod3jX0GWgslvBNwbpTeMNDFI6ZsRmC12CtLt5ZJ9YGvyGcKRnSOk+WfSKmOpq8Xfe6iu2AiIImxYHJRi3e683Gckq0zdxKVKnNpvdirMSjS64IXFcXVB9n+Ykmslm+8JUjNRjAMigPKgosKW0q2sZquxjoOjEetcQnXxgXw/YGVjJbtjUCAwEAAaAAMA0GCSqGSIb3DQEBCwUAA4IBAQC9zRgRKFnly0TqCz3OAhBY0yYs975IHlnHm+rriFLHb/xKkMZ2p9zPBtR42pJemeLLxLnjmWFz44Jh04qekjG3/S18gwdQMSLVrVMjXJI2vKgMSmrTOq5tCGqGC9/nfd6F61YDteboUey4pF2C6L7u4Xtx5+/f8QyxLTnFXPBz5ATbuKAq4gyOzPdfVr/ejMTp8ASlyTmZGm+m4bdBkaSf8EAb8X/iSenFdKtc+BZKEBDshqZdgpZT8MNe8ewqqZL5AWczkj3koLuLCrPJ2d0CHaaIfgeLV8nmv2ZlTDoGSamsmoSN8cPLtKwJxZX/92gdTVk70pi57mTZPj4EJQi9';
