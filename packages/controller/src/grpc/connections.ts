import { canonicalIp } from '@torchpass/core';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What is known of a live connection: where from, and what certificate its TLS handshake proved the key of. */
export interface Connection {
  /** Canonical IP address. */
  address: string;
  /** Grows with each connection that is accepted, before its handshake. */
  order: number;
  /** DER, the leaf first; empty when none was presented. Proven by the handshake, not yet judged. */
  presentedChain: Buffer[];
  /** Of the leaf, lower-case hex; empty when there is none. */
  serial: string;
  /** Calls of methods that exist that came in on it, so far. */
  calls: number;
  /** How many of them are not over. */
  openCalls: number;
  /** Whether its last call was that of a host which proved who it is. */
  proven: boolean;
}

/** Both ends of a connection: no two live ones have the same four. */
export interface ConnectionEnds {
  localAddress?: string | undefined;
  localPort?: number | undefined;
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
}

/** Live connections, found again by their four-tuple when a call comes in on one. */
export class Connections {
  readonly #live = new Map<string, { connection: Connection; socket: TLSSocket }>();
  readonly #orders = new Map<string, number>();
  #newest = 0;

  /** Counts a connection before its handshake: what a caller said on an earlier one, it said earlier. */
  accept(socket: Socket): void {
    const key = keyOf(socket);
    this.#newest += 1;
    const order = this.#newest;
    this.#orders.set(key, order);
    socket.once('close', () => {
      if (this.#orders.get(key) === order) this.#orders.delete(key);
    });
  }

  /** The `order` of the connection that was accepted last. */
  get newest(): number {
    return this.#newest;
  }

  add(socket: TLSSocket): Connection {
    const key = keyOf(socket);
    const connection = {
      address: addressOf(socket),
      order: this.#orders.get(key) ?? this.#newest,
      presentedChain: presentedChain(socket),
      serial: socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? '',
      calls: 0,
      openCalls: 0,
      proven: false,
    };
    this.#live.set(key, { connection, socket });
    socket.once('close', () => {
      if (this.#live.get(key)?.connection === connection) this.#live.delete(key);
    });
    return connection;
  }

  of(ends: ConnectionEnds): Connection | undefined {
    return this.#live.get(keyOf(ends))?.connection;
  }

  /**
   * Closes every connection whose handshake showed one of these certificates, whatever is under way on it. Answers how
   * many there were. Later ones with the same certificate are refused call by call.
   */
  cut(serials: ReadonlySet<string>): number {
    const struck = [...this.#live.values()].filter(({ connection }) => serials.has(connection.serial));
    for (const { socket } of struck) socket.destroy();
    return struck.length;
  }

  get size(): number {
    return this.#live.size;
  }
}

function keyOf(ends: ConnectionEnds): string {
  return [ends.localAddress, ends.localPort, ends.remoteAddress, ends.remotePort].join(' ');
}

function addressOf(socket: TLSSocket): string {
  const address = socket.remoteAddress ?? '';
  return canonicalIp(address) ?? address;
}

const LONGEST_CHAIN = 4;

function presentedChain(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  for (
    let certificate = socket.getPeerX509Certificate();
    certificate !== undefined;
    certificate = certificate.issuerCertificate
  ) {
    chain.push(certificate.raw);
    if (chain.length >= LONGEST_CHAIN) break;
  }
  return chain;
}
