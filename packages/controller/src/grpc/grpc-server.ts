import {
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { AgentServiceService, LARGEST_MESSAGE_BYTES, type AgentServiceServer } from '@torchpass/protocol';
import { HealthImplementation } from 'grpc-health-check';
import type { TLSSocket } from 'node:tls';
import { withMessageSizes } from './message-size.ts';

const MOST_STREAMS_PER_CONNECTION = 32;
const KEEPALIVE_MS = 60_000;
const IDLE_MS = 10 * 60_000;
/** Agents connect again by themselves. */
const OLDEST_CONNECTION_MS = 60 * 60_000;
/** For calls that are under way then: the longest that agents make. */
const AGE_GRACE_MS = 30_000;
/** What one connection may make the HTTP/2 library hold, in megabytes: all its streams with the largest message each. */
const SESSION_MEGABYTES = 10;

export interface GrpcServer {
  /** Serves HTTP/2 on a connection that the public port accepted. */
  handleSocket(socket: TLSSocket): void;
  /** Tells health checkers that no new work is taken, and finishes what is in flight. */
  close(deadlineMs: number): Promise<void>;
}

/** The gRPC side of the public port: the agent's protocol and standard health. It never listens: it is handed sockets. */
export function createGrpcServer(
  service: AgentServiceServer,
  gate: { interceptor: ServerInterceptor; endWatches: () => void },
): GrpcServer {
  const server = new MeasuringServer({
    interceptors: [gate.interceptor],
    'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES,
    'grpc.max_send_message_length': LARGEST_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MOST_STREAMS_PER_CONNECTION,
    // Bookkeeping for a debugging service that is not offered.
    'grpc.enable_channelz': 0,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_age_ms': OLDEST_CONNECTION_MS,
    'grpc.max_connection_age_grace_ms': AGE_GRACE_MS,
    'grpc-node.max_session_memory': SESSION_MEGABYTES,
  });
  server.addService(AgentServiceService, service);
  const health = new HealthImplementation({ '': 'SERVING', 'torchpass.v1.AgentService': 'SERVING' });
  health.addToServer(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());

  const open = new Set<TLSSocket>();
  let closing = false;

  return {
    handleSocket(socket) {
      // Its handshake was under way when the port was closed.
      if (closing) return void socket.destroy();
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      injector.injectConnection(socket);
    },
    async close(deadlineMs) {
      closing = true;
      health.setStatus('', 'NOT_SERVING');
      health.setStatus('torchpass.v1.AgentService', 'NOT_SERVING');
      gate.endWatches();
      // Tells every client, but calls back too early: Node.js has marked the sessions as closed by then, and those are not
      // waited for. A connection closes when its last call was answered.
      server.tryShutdown(() => undefined);
      await new Promise<void>((resolve) => {
        const force = setTimeout(() => {
          for (const socket of open) socket.destroy();
        }, deadlineMs);
        const next = () => {
          if (open.size > 0) return;
          clearTimeout(force);
          resolve();
        };
        for (const socket of open) socket.once('close', next);
        next();
      });
    },
  };
}

/** Every service that is added gets the message sizes of the table, also the one of health that adds itself. */
class MeasuringServer extends Server {
  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    super.addService(withMessageSizes(service), implementation);
  }
}
