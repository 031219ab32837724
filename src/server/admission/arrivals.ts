/**
 * What arrives of requests, whether anybody reads it yet or not: it takes memory from when it arrives, in a call that has not
 * begun, behind a message, or for an RPC that there is not. A wider window than HTTP/2's own would let callers on long lines send
 * large requests faster, and a thousand of them half a gigabyte that nobody has asked for.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { leaveBehind } from './request-garbage';

/** Memory of a request that is not counted: the sum of what as many calls as there may be can send is small. */
export const FREE_BYTES = 4096;

/** What a piece of a request costs beside its bytes: the objects that hold it. */
const PIECE_BYTES = 256;

/** What may be kept of a request that nobody will ever read: HTTP/2's own window, and as much for its pieces. */
const UNREAD_MEMORY = 2 * 65_535;

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
    // What is not wanted opens no window for more.
    return arrival.listener(arrived) && push(ownMemory(piece));
  };
  return NOTHING;
}

const NOTHING: Arrived = { bytes: 0, memory: 0 };

function ownMemory(piece: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(piece.length);
  copy.set(piece);
  return copy;
}

/** Memory of the requests whose calls have not begun, all of them together. */
export interface WaitingMemory {
  bytes: number;
}

/** A request that nobody reads: until its call begins, and for good where that refuses it. */
export class UnreadRequest {
  readonly #waiting: WaitingMemory;
  #memory = 0;
  #hasBegun = false;

  /** Calls `full` where requests wait with more than `most` bytes together, of which this is one. */
  constructor(stream: ServerHttp2Stream, waiting: WaitingMemory, most: number, full: () => void) {
    this.#waiting = waiting;
    onArrival(stream, ({ memory }) => {
      this.#memory += memory;
      if (this.#hasBegun) return this.#memory <= UNREAD_MEMORY;
      waiting.bytes += memory;
      if (waiting.bytes > most && this.#memory > FREE_BYTES) full();
      return true;
    });
    stream.once('close', () => {
      this.begun();
    });
  }

  /** Its call has begun: who reads the request is told of what arrives, and counts it. */
  begun(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#waiting.bytes -= this.#memory;
  }
}
