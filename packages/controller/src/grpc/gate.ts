import {
  ServerInterceptingCall,
  status as Status,
  type Metadata,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import { isTorchpassError, toTorchpassError, TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { toStatus } from '@torchpass/protocol';
import type { KnownAddresses } from '../hosts/known-addresses.ts';
import { Refusal } from '../audit/refusal.ts';
import { callerKey } from '../limits/caller-key.ts';
import type { AuthenticatedHost } from './authenticate.ts';
import type { NoteRefusal } from './call-refusals.ts';
import type { Connection, Connections } from './connections.ts';
import { logFailure } from './log-failure.ts';
import { TooLarge } from './message-size.ts';
import { policyOf, type Admission, type MethodPolicy } from './methods.ts';
import { codeOfStatus } from './status-code.ts';

/** Who calls: known to a handler for every call that the gate let through. */
export interface Caller {
  connection: Connection;
  /** Present exactly for methods whose policy asks for a host. */
  host: AuthenticatedHost | undefined;
  /** Aborted when the call is over, for whatever reason: nobody waits for an answer any more. */
  signal: AbortSignal;
}

interface Tools {
  connections: Connections;
  authenticate: (connection: Connection, mayBeLapsed: boolean) => Promise<AuthenticatedHost>;
  admission: Admission;
  known: KnownAddresses;
  /** Puts on record why a call was refused. */
  noteRefusal: NoteRefusal;
  /** How a call ended, for the metrics: `OK`, a code of ours, or one of gRPC's own. */
  observe: (method: string, code: string) => void;
  clock: Clock;
  logger: Logger;
}

/** Admits or refuses every call of every method before its message is read, and ends it when its time is over. */
export function createGate({
  connections,
  authenticate,
  admission,
  known,
  noteRefusal,
  observe,
  clock,
  logger,
}: Tools) {
  const callers = new WeakMap<Metadata, Caller>();
  const watches = new Set<() => void>();

  const interceptor: ServerInterceptor = (method, call) => {
    const policy = policyOf(method.path);
    const over = new AbortController();
    const finish = (code: string) => {
      if (over.signal.aborted) return;
      over.abort();
      observe(method.path, code);
    };
    const end = (code: string, status: Partial<StatusObject> & Pick<StatusObject, 'code' | 'details'>) => {
      if (over.signal.aborted) return;
      finish(code);
      call.sendStatus(status);
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        if (policy?.watch === true) {
          const stop = () => end('UNAVAILABLE', { code: Status.UNAVAILABLE, details: 'The controller is stopping.' });
          watches.add(stop);
          over.signal.addEventListener('abort', () => watches.delete(stop));
        }
        if (policy !== undefined) {
          clock.sleep(policy.deadlineMs, over.signal).then(
            () => end('DEADLINE_EXCEEDED', { code: Status.DEADLINE_EXCEEDED, details: 'The call took too long.' }),
            () => undefined,
          );
        }
        next({
          onReceiveMetadata(metadata, proceed) {
            const connection = connections.of(call.getConnectionInfo());
            check(method.path, policy, connection, over.signal).then(
              (caller) => {
                callers.set(metadata, caller);
                proceed(metadata);
              },
              (reason: unknown) => {
                logFailure(logger, method.path, reason);
                const error = toTorchpassError(reason);
                const answer = () => end(error.code, toStatus(error));
                noteRefusal({ method: method.path, connection }, reason).then(answer, answer);
              },
            );
          },
          onReceiveMessage(message: unknown, proceed) {
            if (!(message instanceof TooLarge)) return proceed(message);
            end('RESOURCE_EXHAUSTED', { code: Status.RESOURCE_EXHAUSTED, details: message.sentence });
          },
          // Comes last for every call, also for one that was answered.
          onCancel: () => finish('CANCELLED'),
        });
      },
      sendStatus(status, next) {
        finish(codeOfStatus(status));
        next(status);
      },
    });
  };

  return {
    interceptor,
    /** Ends every call that would go on by itself. */
    endWatches: () => watches.forEach((end) => end()),
    callerOf(metadata: Metadata): Caller {
      const caller = callers.get(metadata);
      if (caller === undefined) throw new TorchpassError('INTERNAL', 'A call came past the gate.');
      return caller;
    },
  };

  async function check(
    method: string,
    policy: MethodPolicy | undefined,
    connection: Connection | undefined,
    signal: AbortSignal,
  ): Promise<Caller> {
    if (policy === undefined) throw new TorchpassError('METHOD_NOT_ALLOWED', 'There is no such method here.');
    if (connection === undefined) throw new TorchpassError('INTERNAL', 'A call came on an unknown connection.');
    connection.calls += 1;
    const close = admission.begin(method);
    if (close === undefined) throw limited();
    connection.openCalls += 1;
    onceOver(signal, () => {
      connection.openCalls -= 1;
      close();
    });
    if (policy.caller === 'anyone') {
      if (!admission.admit(method, callerKey(connection.address))) throw limited();
      return { connection, host: undefined, signal };
    }
    const host = await proveHost(connection, policy.lapsed === true);
    if (!admission.admit(method, host.id))
      throw limited(new Refusal({ event: 'call.limited', subject: host.name, details: { method } }));
    return { connection, host, signal };
  }

  /** Whoever keeps failing costs neither a query nor a line of the log; good hosts beside it keep their connections. */
  async function proveHost(connection: Connection, mayBeLapsed: boolean): Promise<AuthenticatedHost> {
    const address = callerKey(connection.address);
    if (!connection.proven && !admission.mayTry(address)) throw limited();
    try {
      const host = await authenticate(connection, mayBeLapsed);
      connection.proven = true;
      known.add(address);
      return host;
    } catch (error) {
      connection.proven = false;
      if (isTorchpassError(error) && error.kind === 'unauthenticated') admission.refused(address);
      throw error;
    }
  }
}

function onceOver(signal: AbortSignal, work: () => void): void {
  if (signal.aborted) work();
  else signal.addEventListener('abort', work, { once: true });
}

function limited(cause?: Refusal): TorchpassError {
  return new TorchpassError('RATE_LIMITED', 'Too many calls in a short time.', {
    cause,
    hint: 'Wait a moment and try again.',
  });
}
