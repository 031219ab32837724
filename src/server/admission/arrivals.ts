/**
 * What arrives of requests, whether anybody reads it yet or not. A wide window lets callers on long lines send ahead, and what
 * they send takes memory from when it arrives: in a call that has not begun, behind a message, or for an RPC that there is not.
 */

import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { LogahError } from '../../errors';
import type { Budget, Holder, Lease } from './budget';

/** What may be on its way to the server without an acknowledgement, over each stream and over all of a connection. */
const WINDOW_BYTES = 2 ** 19;

/** Bytes of a request that are not counted: the sum of what as many calls as there may be can send is small. */
export const FREE_BYTES = 4096;

/** Of a request that nobody will ever read: HTTP/2's own window. */
const UNREAD_BYTES = 65_535;

/** Told of so many bytes; false: they are not wanted, and take no memory. */
export type ArrivalListener = (bytes: number) => boolean;

interface Arrival {
  bytes: number;
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

/** Tells of every piece that arrives from now on, in the place of whoever was told before; the bytes that have come already. */
export function onArrival(stream: ServerHttp2Stream, listener: ArrivalListener): number {
  const known = arrivals.get(stream);
  if (known !== undefined) {
    known.listener = listener;
    return known.bytes;
  }
  const arrival = { bytes: 0, listener };
  arrivals.set(stream, arrival);
  const push = stream.push.bind(stream);
  stream.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
    if (piece instanceof Uint8Array) {
      arrival.bytes += piece.length;
      if (!arrival.listener(piece.length)) return true;
    }
    return push(piece, encoding);
  };
  return 0;
}

/** A request that nobody reads: until its call begins, and for good where that refuses it. */
export class UnreadRequest {
  readonly #stream: ServerHttp2Stream;
  readonly #budget: Budget;
  readonly #caller: Holder;
  #lease: Lease | undefined;
  #bytes = 0;
  #hasBegun = false;

  /** `budget`: of the bytes of such requests. */
  constructor(stream: ServerHttp2Stream, budget: Budget, caller: Holder) {
    this.#stream = stream;
    this.#budget = budget;
    this.#caller = caller;
    onArrival(stream, (bytes) => {
      this.#bytes += bytes;
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
    if (this.#hasBegun ? this.#bytes <= UNREAD_BYTES : this.#fits()) return true;
    const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM } = constants;
    this.#stream.close(this.#hasBegun ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_REFUSED_STREAM);
    return false;
  }

  #fits(): boolean {
    if (this.#bytes <= FREE_BYTES) return true;
    try {
      if (this.#lease === undefined) this.#lease = this.#budget.take(this.#caller, this.#bytes);
      else this.#lease.resize(this.#bytes);
      return true;
    } catch (error) {
      if (error instanceof LogahError) return false;
      throw error;
    }
  }
}
