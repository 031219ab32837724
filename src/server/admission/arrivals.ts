/**
 * What arrives of requests, whether anybody reads it yet or not. A wide window lets callers on long lines send ahead, and what
 * they send takes memory from when it arrives: in a call that has not begun, behind a message, or for an RPC that there is not.
 */

import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { LogahError } from '../../errors';
import type { Budget, Holder, Lease } from './budget';
import { leaveBehind } from './request-garbage';

/** What may be on its way to the server without an acknowledgement, over each stream and over all of a connection. */
const WINDOW_BYTES = 2 ** 19;

/** Memory of a request that is not counted: the sum of what as many calls as there may be can send is small. */
export const FREE_BYTES = 4096;

/** What a piece of a request costs beside its bytes: the objects that hold it. */
const PIECE_BYTES = 256;

/** Of a request that nobody will ever read: HTTP/2's own window, and the memory that it may take in small pieces. */
const UNREAD_BYTES = 65_535;
const UNREAD_MEMORY = 2 * UNREAD_BYTES;

/** What has arrived. */
export interface Arrived {
  readonly bytes: number;
  /** What that takes, which is more where it comes in many pieces. */
  readonly memory: number;
}

/** Told of a piece; false: it is not wanted, and takes no memory. */
export type ArrivalListener = (piece: Arrived) => boolean;

interface Arrival {
  bytes: number;
  memory: number;
  listener: ArrivalListener;
}

const arrivals = new WeakMap<ServerHttp2Stream, Arrival>();

/** Widens the windows of an HTTP/2 server, for which grpc-js has no option. */
export function widenWindows(server: Http2Server): void {
  server.updateSettings({ initialWindowSize: WINDOW_BYTES });
  server.on('session', (session: ServerHttp2Session) => {
    session.setLocalWindowSize(WINDOW_BYTES);
  });
}

/**
 * Tells of every piece that arrives from now on, in the place of whoever was told before; what has come already. Each becomes
 * memory of its own: Node.js gives a part of what it has read from the connection, and all of that, whosever it is, would
 * stay for as long as the part.
 */
export function onArrival(stream: ServerHttp2Stream, listener: ArrivalListener): Arrived {
  const known = arrivals.get(stream);
  if (known !== undefined) {
    known.listener = listener;
    return { bytes: known.bytes, memory: known.memory };
  }
  const arrival: Arrival = { bytes: 0, memory: 0, listener };
  arrivals.set(stream, arrival);
  const push = stream.push.bind(stream);
  stream.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
    if (!(piece instanceof Uint8Array)) return push(piece, encoding);
    const arrived = { bytes: piece.length, memory: piece.length + PIECE_BYTES };
    arrival.bytes += arrived.bytes;
    arrival.memory += arrived.memory;
    leaveBehind(arrived.memory);
    return !arrival.listener(arrived) || push(ownMemory(piece));
  };
  return NOTHING;
}

const NOTHING: Arrived = { bytes: 0, memory: 0 };

function ownMemory(piece: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(piece.length);
  copy.set(piece);
  return copy;
}

/** A request that nobody reads: until its call begins, and for good where that refuses it. */
export class UnreadRequest {
  readonly #stream: ServerHttp2Stream;
  readonly #budget: Budget;
  readonly #caller: Holder;
  #lease: Lease | undefined;
  #bytes = 0;
  #memory = 0;
  #hasBegun = false;

  /** `budget`: of the bytes of such requests. */
  constructor(stream: ServerHttp2Stream, budget: Budget, caller: Holder) {
    this.#stream = stream;
    this.#budget = budget;
    this.#caller = caller;
    onArrival(stream, ({ bytes, memory }) => {
      this.#bytes += bytes;
      this.#memory += memory;
      return this.#isWanted();
    });
    stream.once('close', () => this.#lease?.release());
  }

  /** Its call has begun: who reads the request is told of what arrives, and counts it. */
  begun(): void {
    this.#hasBegun = true;
    this.#lease?.release();
    this.#lease = undefined;
  }

  /** Without a call there is no status to refuse it with; a call that has not begun can be made again. */
  #isWanted(): boolean {
    if (this.#stream.closed) return false;
    const isBounded = this.#hasBegun
      ? this.#bytes <= UNREAD_BYTES && this.#memory <= UNREAD_MEMORY
      : this.#fits();
    if (isBounded) return true;
    const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM } = constants;
    this.#stream.close(this.#hasBegun ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_REFUSED_STREAM);
    return false;
  }

  #fits(): boolean {
    if (this.#memory <= FREE_BYTES) return true;
    try {
      if (this.#lease === undefined) this.#lease = this.#budget.take(this.#caller, this.#memory);
      else this.#lease.resize(this.#memory);
      return true;
    } catch (error) {
      if (error instanceof LogahError) return false;
      throw error;
    }
  }
}
