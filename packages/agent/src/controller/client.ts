import { type CallOptions, ChannelCredentials, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Clock, formatHostPort, type HostPort, systemClock, TorchpassError } from '@torchpass/core';
import {
  AgentServiceClient,
  CALL_DEADLINE_MS,
  type CheckInRequest,
  type CheckInResponse,
  type EnrollRequest,
  type EnrollResponse,
  fromStatus,
  type IssueCertificateRequest,
  type IssueCertificateResponse,
  LARGEST_MESSAGE_BYTES,
  plainReason,
} from '@torchpass/protocol';
import type { X509Certificate } from 'node:crypto';
import type { CertificatePair } from '../identity/certificate-pair.ts';
import { checkController, type ControllerTrust, outOfTime, peerChain } from './trust.ts';

/** The controller as the agent sees it: four calls over one connection. Errors are the controller's own, or
 * CONTROLLER_UNREACHABLE, CERTIFICATE_UNTRUSTED, PROTOCOL_VIOLATION. */
export interface Controller {
  enroll(request: EnrollRequest): Promise<EnrollResponse>;
  checkIn(request: CheckInRequest): Promise<CheckInResponse>;
  issueCertificate(request: IssueCertificateRequest): Promise<IssueCertificateResponse>;
  leave(): Promise<void>;
  /** What the controller showed on this connection, leaf first; empty before the first call. */
  readonly shown: readonly X509Certificate[];
  close(): void;
}

export interface ConnectOptions {
  address: HostPort;
  trust: ControllerTrust;
  /** The host's identity; undefined before it has one. */
  identity: CertificatePair | undefined;
  clock: Clock;
  signal: AbortSignal | undefined;
}

export type Connect = (options: ConnectOptions) => Controller;

/** The name that is sent in the TLS handshake (RFC 6066). The same everywhere: the controller is known by its SPIFFE ID. */
const SERVER_NAME = 'torchpass-controller';

const CHANNEL_OPTIONS = {
  'grpc.ssl_target_name_override': SERVER_NAME,
  'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES,
  'grpc.max_send_message_length': LARGEST_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': CALL_DEADLINE_MS,
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 2000,
  // What we verify is who is at the other end of our own connection.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // A closed client leaves nothing behind.
  'grpc.use_local_subchannel_pool': 1,
  // Every call may be repeated, but it is the pass that repeats, not the channel.
  'grpc.enable_retries': 0,
} as const;

/** Prepares a connection; it is made at the first call. */
export const connectController: Connect = ({ address, trust, identity, clock, signal }) => {
  const name = formatHostPort(address);
  let shown: X509Certificate[] = [];
  let refusal: Error | undefined;
  const credentials = ChannelCredentials.createSsl(
    Buffer.from(trust.rootsPem),
    identity === undefined ? null : Buffer.from(identity.keyPem),
    identity === undefined ? null : Buffer.from(identity.chainPem),
    {
      checkServerIdentity: (_host, certificate) => {
        try {
          shown = peerChain(certificate);
          checkController(shown, trust, name, clock);
          refusal = undefined;
        } catch (error) {
          refusal = error as Error;
        }
        return refusal;
      },
    },
  );
  const client = new AgentServiceClient(name, credentials, CHANNEL_OPTIONS);

  async function call<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    signal?.throwIfAborted();
    try {
      return await once(method, request, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw refusal ?? explain(error, name, clock.now());
    }
  }

  return {
    enroll: (request) => call(client.enroll.bind(client), request),
    checkIn: (request) => call(client.checkIn.bind(client), request),
    issueCertificate: (request) => call(client.issueCertificate.bind(client), request),
    leave: async () => void (await call(client.leave.bind(client), {})),
    get shown() {
      return shown;
    },
    close: () => client.close(),
  };
};

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function once<Request, Response>(
  method: Method<Request, Response>,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    // gRPC measures a deadline by the machine's clock, so it is made from that one.
    const deadline = new Date(systemClock.now().getTime() + CALL_DEADLINE_MS);
    const cancel = () => running.cancel();
    const running = method(request, new Metadata(), { deadline }, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response);
      else reject(error);
    });
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

/** What OpenSSL says of a chain that does not end in one of our roots; it comes wrapped in gRPC's UNAVAILABLE. */
const UNTRUSTED = /certificate|issuer|CERT_/i;

/** The same of one that does, but not at this time (X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID). */
const OUT_OF_TIME = /certificate has expired|certificate is not yet valid|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/i;

function explain(error: unknown, name: string, now: Date): TorchpassError {
  const known = fromStatus(error, name);
  const told = error instanceof Error ? ((error as Partial<ServiceError>).details ?? '') : '';
  if (known.code === 'CONTROLLER_UNREACHABLE' && UNTRUSTED.test(told) && !/alert/i.test(told)) {
    if (OUT_OF_TIME.test(told)) return outOfTime(name, now, error);
    return new TorchpassError(
      'CERTIFICATE_UNTRUSTED',
      `What answers at ${name} is not this host's controller: ${plainReason(told)}.`,
      {
        cause: error,
        hint: 'Check the address. Nothing secret was sent.',
      },
    );
  }
  return known;
}
