import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import { AgentServiceService, LARGEST_MESSAGE_BYTES, type AgentServiceServer } from '@torchpass/protocol';
import { HealthImplementation } from 'grpc-health-check';
import type { TLSSocket } from 'node:tls';

const MOST_STREAMS_PER_CONNECTION = 32;
const KEEPALIVE_MS = 60_000;
const IDLE_MS = 10 * 60_000;

export interface GrpcServer {
  /** Serves HTTP/2 on a connection that the public port accepted. */
  handleSocket(socket: TLSSocket): void;
  /** Tells health checkers that no new work is taken, and finishes what is in flight. */
  close(deadlineMs: number): Promise<void>;
}

/** The gRPC side of the public port: the agent's protocol and standard health. It never listens: it is handed sockets. */
export function createGrpcServer(service: AgentServiceServer, gate: ServerInterceptor): GrpcServer {
  const server = new Server({
    interceptors: [gate],
    'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES,
    'grpc.max_send_message_length': LARGEST_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MOST_STREAMS_PER_CONNECTION,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': 20_000,
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
