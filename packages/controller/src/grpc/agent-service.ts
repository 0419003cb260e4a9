import { type handleUnaryCall, type Metadata } from '@grpc/grpc-js';
import { checkName, toTorchpassError, TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { formatSpiffeId, readCertificateRequest } from '@torchpass/pki';
import {
  MOST_EXPORTERS,
  toStatus,
  type AgentServiceServer,
  type Certificate,
  type CheckInResponse,
  type IssueCertificateRequest,
  type TrustBundle,
} from '@torchpass/protocol';
import { Refusal } from '../audit/refusal.ts';
import type { CheckIn, CheckInAnswer } from '../hosts/check-in.ts';
import type { Enrolled, Enrolment } from '../hosts/enrol.ts';
import type { HostCertificates } from '../hosts/host-certificates.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { IssuedCertificate } from '../issuance/issuance.ts';
import type { HostTable } from '../store/schema.ts';
import type { Selectable } from 'kysely';
import type { NoteRefusal } from './call-refusals.ts';
import type { AuthenticatedHost } from './authenticate.ts';
import type { Caller } from './gate.ts';
import { logFailure } from './log-failure.ts';

export interface AgentServiceTools {
  callerOf: (metadata: Metadata) => Caller;
  enrol: (enrolment: Enrolment, signal: AbortSignal) => Promise<Enrolled>;
  checkIn: (checkIn: CheckIn) => Promise<CheckInAnswer>;
  certificates: HostCertificates;
  leave: (host: Selectable<HostTable>, address: string) => Promise<void>;
  authorities: Authorities;
  scraperName: string;
  checkInIntervalMs: number;
  /** Puts on record why a call was refused. */
  noteRefusal: NoteRefusal;
  clock: Clock;
  logger: Logger;
}

/** The agent's protocol: reads messages, calls the features, writes messages. Decides nothing. */
export function createAgentService(tools: AgentServiceTools): AgentServiceServer {
  const { callerOf, enrol, checkIn, certificates, leave, clock } = tools;

  return {
    enroll: handle(async (request, { connection, signal }) => {
      const { hostName, certificate } = await enrol({ ...request, address: connection.address }, signal);
      return { hostName, certificate: chainOf(certificate), trust: trustBundle() };
    }),

    checkIn: handle(async (request, caller): Promise<CheckInResponse> => {
      const host = hostOf(caller);
      if (request.exporters.length > MOST_EXPORTERS) {
        throw new TorchpassError(
          'REQUEST_INVALID',
          `A host can have ${MOST_EXPORTERS} exporters, not ${request.exporters.length}.`,
        );
      }
      for (const { name } of request.exporters) checkName('exporter', name);
      if (new Set(request.exporters.map(({ name }) => name)).size < request.exporters.length) {
        throw new TorchpassError('REQUEST_INVALID', 'Two exporters of the host have the same name.');
      }
      const { presented_serial: identitySerial } = host;
      const { connection, signal } = caller;
      const { exporters, renewIdentity, renewIdentityAt } = await checkIn({
        host,
        request,
        address: connection.address,
        identitySerial,
        signal,
      });
      return {
        trust: trustBundle(),
        exporters,
        renewIdentity,
        nextCheckIn: {
          seconds: Math.floor(tools.checkInIntervalMs / 1000),
          nanos: (tools.checkInIntervalMs % 1000) * 1e6,
        },
        serverTime: clock.now(),
        renewIdentityAt,
      };
    }),

    issueCertificate: handle(async (request, caller) => {
      const host = hostOf(caller);
      const key = readCertificateRequest(request.certificateRequest);
      const issued = await issue(request, host, key.publicKey, caller.connection.address);
      return { certificate: chainOf(issued) };
    }),

    leave: handle(async (_request, caller) => {
      await leave(hostOf(caller), caller.connection.address);
      return {};
    }),
  };

  function issue(
    { purpose }: IssueCertificateRequest,
    host: AuthenticatedHost,
    publicKey: Buffer,
    address: string,
  ): Promise<IssuedCertificate> {
    if (host.lapsed && purpose?.$case !== 'identity') throw lapsed(host);
    switch (purpose?.$case) {
      case 'identity':
        return certificates.identity(host, publicKey, address, { late: host.lapsed });
      case 'exporter':
        return certificates.exporter(host, purpose.value.name, publicKey, address);
      case undefined:
        throw new TorchpassError('REQUEST_INVALID', 'The request does not say what the certificate is for.');
    }
  }

  function trustBundle(): TrustBundle {
    const { authorities } = tools;
    const scraper = { trustDomain: authorities.trustDomain, kind: 'scraper' as const, name: tools.scraperName };
    return {
      trustDomain: authorities.trustDomain,
      roots: [...authorities.roots],
      scraperAuthorities: [...authorities.trusted('scraper')],
      scraperIds: [formatSpiffeId(scraper)],
      restartGeneration: authorities.restartGeneration,
    };
  }

  function handle<Request, Response>(
    work: (request: Request, caller: Caller) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const caller = callerOf(call.metadata);
      work(call.request, caller).then(
        (response) => callback(null, response),
        async (reason: unknown) => {
          const method = call.getPath();
          const { connection, host, signal } = caller;
          // Nobody waits any more, and the work saw that.
          const wasLeft = signal.aborted && reason === signal.reason;
          if (!wasLeft) logFailure(tools.logger, method, reason);
          await tools.noteRefusal({ method, connection, host: host?.name ?? '' }, reason);
          callback(toStatus(toTorchpassError(reason)));
        },
      );
    };
  }
}

function lapsed({ name, presented_serial: serial }: AuthenticatedHost): TorchpassError {
  const details = { reason: 'its certificate has ended', serial };
  return new TorchpassError('IDENTITY_REJECTED', "This host's identity has ended; it is good for a new one only.", {
    cause: new Refusal({ event: 'identity.rejected', subject: name, details }),
    hint: 'Renew the identity first: torchpass-agent sync',
  });
}

function hostOf({ host }: Caller): AuthenticatedHost {
  if (host === undefined) throw new TorchpassError('INTERNAL', 'A method of hosts was called by a stranger.');
  return host;
}

function chainOf({ chain }: IssuedCertificate): Certificate {
  return { chain };
}
