import { ServerInterceptingCall, type Metadata, type ServerInterceptor } from '@grpc/grpc-js';
import { toTorchpassError, TorchpassError, type Logger } from '@torchpass/core';
import { toStatus } from '@torchpass/protocol';
import type { Selectable } from 'kysely';
import { callerKey } from '../limits/caller-key.ts';
import type { HostTable } from '../store/schema.ts';
import type { Connection, Connections } from './connections.ts';
import { METHOD_POLICIES } from './methods.ts';

/** Who calls: known to a handler for every call that the gate let through. */
export interface Caller {
  connection: Connection;
  /** Present exactly for methods whose policy asks for a host. */
  host: Selectable<HostTable> | undefined;
}

interface Tools {
  connections: Connections;
  authenticate: (connection: Connection) => Promise<Selectable<HostTable>>;
  /** Takes one from the caller's allowance for the method; false when it is used up. */
  admit: (method: string, caller: string) => boolean;
  /** How a call ended, for the metrics. */
  observe: (method: string, code: string) => void;
  logger: Logger;
}

/** Admits or refuses every call of every method, before its message is read. */
export function createGate({ connections, authenticate, admit, observe, logger }: Tools) {
  const callers = new WeakMap<Metadata, Caller>();

  const interceptor: ServerInterceptor = (method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, proceed) {
            check(method.path, connections.of(call.getConnectionInfo())).then(
              (caller) => {
                callers.set(metadata, caller);
                proceed(metadata);
              },
              (reason: unknown) => {
                const error = toTorchpassError(reason);
                if (error.kind === 'internal') logger.error('call failed', { method: method.path, error: reason });
                observe(method.path, error.code);
                call.sendStatus({ ...toStatus(error) });
              },
            );
          },
        });
      },
    });

  return {
    interceptor,
    callerOf(metadata: Metadata): Caller {
      const caller = callers.get(metadata);
      if (caller === undefined) throw new TorchpassError('INTERNAL', 'A call came past the gate.');
      return caller;
    },
  };

  async function check(method: string, connection: Connection | undefined): Promise<Caller> {
    const policy = Object.hasOwn(METHOD_POLICIES, method) ? METHOD_POLICIES[method] : undefined;
    if (policy === undefined) throw new TorchpassError('METHOD_NOT_ALLOWED', 'There is no such method here.');
    if (connection === undefined) throw new TorchpassError('INTERNAL', 'A call came on an unknown connection.');
    if (policy.caller === 'anyone') {
      if (!admit(method, callerKey(connection.address))) throw limited();
      return { connection, host: undefined };
    }
    const host = await authenticate(connection);
    if (!admit(method, host.id)) throw limited();
    return { connection, host };
  }
}

function limited(): TorchpassError {
  return new TorchpassError('RATE_LIMITED', 'Too many calls in a short time.', {
    hint: 'Wait a moment and try again.',
  });
}
