/**
 * Bounds connections, which cost memory before they carry any call. Where there are too many, the caller that has the
 * most of them loses one: a flood from one address must not keep out a probe from another.
 */

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Budget, Holder, Lease } from './budget';

/** The longest that a timer of Node.js waits; grpc-js cuts what is longer down to 32 bits. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const TIMEOUT = 'grpc-timeout';
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>;

interface Connection {
  readonly caller: Holder;
  /**
   * Undefined once it has ended: what listens to a session must not hold its socket. Node.js keeps what a session whose
   * settings were never acknowledged refers to, and the socket's error refers to the session.
   */
  socket: Socket | undefined;
  readonly ends: string;
  readonly lease: Lease;
  /** Open streams. */
  streams: number;
  /** When the last stream opened or closed. */
  active: number;
}

/** The connections of all of a server's addresses. */
export class Connections {
  readonly #metadataBytes: number;
  readonly #budget: Budget;
  readonly #open = new Set<Connection>();
  /** By the addresses of both ends: a session hides its socket. */
  readonly #byEnds = new Map<string, Connection>();

  /** `metadataBytes`: the most that the metadata of one call may take, as HTTP/2 counts it. */
  constructor(budget: Budget, metadataBytes: number) {
    this.#budget = budget;
    this.#metadataBytes = metadataBytes;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Bounds the connections of one HTTP/2 server, and the metadata of the calls on them. */
  watch(server: Http2Server): void {
    // Which grpc-js has no option for; Node.js itself allows 64 KiB, and 128 pairs.
    server.updateSettings({ maxHeaderListSize: this.#metadataBytes });
    // Before the library makes a session of it.
    server.prependListener('connection', (socket: Socket) => {
      this.#admit(socket);
    });
    server.on('session', (session: ServerHttp2Session) => {
      const connection = this.#byEnds.get(endsOf(session.socket));
      if (connection === undefined) return;
      session.on('stream', (stream) => {
        this.#countStream(connection, stream);
      });
    });
    server.prependListener('stream', (_: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      leaveOutLongTimeout(headers);
    });
  }

  #admit(socket: Socket): void {
    const caller = { identity: socket.remoteAddress ?? '' };
    if (this.#budget.used >= this.#budget.limit && !this.#makeRoom(caller)) {
      socket.destroy();
      return;
    }
    const lease = this.#budget.take(caller);
    const ends = endsOf(socket);
    const connection: Connection = { caller, socket, ends, lease, streams: 0, active: performance.now() };
    this.#open.add(connection);
    this.#byEnds.set(connection.ends, connection);
    socket.once('close', () => {
      this.#forget(connection);
    });
  }

  #forget(connection: Connection): void {
    connection.lease.release();
    this.#open.delete(connection);
    connection.socket = undefined;
    if (this.#byEnds.get(connection.ends) === connection) this.#byEnds.delete(connection.ends);
  }

  /**
   * Ends a connection of the caller that has the most: the one that has been idle for longest, or, where another caller
   * comes, the newest of those in use. False where there is none to end.
   */
  #makeRoom(caller: Holder): boolean {
    const { largest } = this.#budget;
    if (largest === undefined) return false;
    const candidates = [...this.#open].filter((open) => open.caller.identity === largest.identity);
    const idle = candidates.filter(({ streams }) => streams === 0).sort((a, b) => a.active - b.active);
    const isFar = largest.amount > 2 * (this.#budget.usedBy(caller) + 1);
    const victim = idle[0] ?? (isFar ? candidates.at(-1) : undefined);
    if (victim === undefined) return false;
    const { socket } = victim;
    this.#forget(victim);
    socket?.destroy();
    return true;
  }

  #countStream(connection: Connection, stream: ServerHttp2Stream): void {
    connection.streams++;
    connection.active = performance.now();
    stream.once('close', () => {
      connection.streams--;
      connection.active = performance.now();
    });
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Ends): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}

/** A deadline in more than 24 days is none. */
function leaveOutLongTimeout(headers: IncomingHttpHeaders): void {
  const given = headers[TIMEOUT];
  if (typeof given !== 'string') return;
  const [, digits, unit = ''] = /^(\d{1,8})\s*([HMSmun])$/.exec(given) ?? [];
  if (Number(digits) * (UNIT_MS[unit] ?? 0) > MAX_TIMEOUT_MS) Reflect.deleteProperty(headers, TIMEOUT);
}
