import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { fromStatus, AgentServiceClient, type EnrollRequest } from '@torchpass/protocol';
import { formatHostPort } from '@torchpass/core';
import { certificatesToPem, createCertificateRequest, generatePrivateKey, privateKeyToPem } from '@torchpass/pki';
import { onTestFinished } from 'vitest';
import type { LabToken } from './host.ts';
import type { RunningLab } from './lab.ts';

/** What a caller shows in the TLS handshake. PEM. */
export interface Identity {
  chain: string;
  key: string;
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: object,
  done: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** A gRPC client on a connection of its own. It trusts any server: what is tested here is how the server judges. */
export function dial(lab: RunningLab, identity?: Identity) {
  const channel = credentials.createSsl(null, pem(identity?.key), pem(identity?.chain), {
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const address = formatHostPort(lab.publicAddress);
  const client = new AgentServiceClient(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
  const close = () => client.close();
  onTestFinished(close);
  return {
    close,
    enroll: calling(address, client.enroll.bind(client)),
    checkIn: calling(address, client.checkIn.bind(client)),
    issueCertificate: calling(address, client.issueCertificate.bind(client)),
    leave: calling(address, client.leave.bind(client)),
    /** For methods that the agent's service does not have. */
    raw: (path: string) =>
      calling(address, (_request: object, metadata, options, done: (error: ServiceError | null, _: unknown) => void) =>
        client.makeUnaryRequest(
          path,
          () => Buffer.alloc(0),
          (bytes) => bytes,
          {},
          metadata,
          options,
          done,
        ),
      )({}),
  };
}

/** Errors are the controller's own again. */
function calling<Request, Response>(address: string, method: Method<Request, Response>) {
  return (request: Request): Promise<Response> =>
    new Promise((resolve, reject) => {
      method(request, new Metadata(), {}, (error, response) => {
        if (error === null) resolve(response);
        else reject(fromStatus(error, address));
      });
    });
}

const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));

export function enrollRequest(token: LabToken, request: Buffer, hostName = 'web-1'): EnrollRequest {
  return { tokenId: token.id, tokenSecret: token.secret, certificateRequest: request, hostName, agentVersion: 'test' };
}

/** Joins over the network. Answers the host's identity. */
export async function enrollOver(lab: RunningLab, token: LabToken, hostName = 'web-1'): Promise<Identity> {
  const { enroll } = dial(lab);
  const key = await generatePrivateKey();
  const answer = await enroll(enrollRequest(token, createCertificateRequest(key), hostName));
  return { chain: certificatesToPem(answer.certificate?.chain ?? []), key: privateKeyToPem(key) };
}

/** Renews the identity with a new key, as an agent that shows this one. */
export async function renewOver(lab: RunningLab, identity: Identity): Promise<Identity> {
  const { issueCertificate } = dial(lab, identity);
  const key = await generatePrivateKey();
  const certificateRequest = createCertificateRequest(key);
  const answer = await issueCertificate({ certificateRequest, purpose: { $case: 'identity', value: {} } });
  return { chain: certificatesToPem(answer.certificate?.chain ?? []), key: privateKeyToPem(key) };
}
