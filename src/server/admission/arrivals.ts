/**
 * What arrives of requests, whether anybody reads it yet or not: it takes memory from when it arrives, in a call that has not
 * begun, behind a message, or for an RPC that there is not. A wider window than HTTP/2's own would let callers on long lines send
 * large requests faster, and a thousand of them half a gigabyte that nobody has asked for.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { Garbage } from '../garbage';
import { MessageCount } from './message-count';

/** Memory of a request that is not counted: the sum of what as many calls as there may be can send is small. */
export const FREE_BYTES = 4096;

/** What a piece of a request costs beside its bytes: the objects that hold it. */
const PIECE_BYTES = 256;

/** What each message beyond the first costs: what grpc-js keeps of it until it is read. */
const MESSAGE_BYTES = 1024;

/** The pieces of a request up to here are allocated one by one. */
const SMALL_BYTES = 16 * 1024;

/** What is allocated at a time for the pieces of a larger one: enough that the allocator maps it. Pages that are not written take no memory. */
const ROOM_BYTES = 128 * 1024;

/** What may be kept of a request that nobody will ever read: HTTP/2's own window, and as much for its pieces. */
const UNREAD_MEMORY = 2 * 65_535;

/** What has arrived. */
export interface Arrived {
  readonly bytes: number;
  /** What that takes, which is more where it comes in many pieces, or holds many messages. */
  readonly memory: number;
  /** Messages that began in it. */
  readonly messages: number;
}

/** Told of a piece; false: it is not wanted, and takes no memory. */
export type ArrivalListener = (piece: Arrived) => boolean;

interface Arrival {
  bytes: number;
  memory: number;
  messages: number;
  readonly count: MessageCount;
  listener: ArrivalListener;
  /** For what arrives next. */
  room: Buffer;
}

const garbage = new Garbage('minor');

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
    const { bytes, memory, messages } = known;
    return { bytes, memory, messages };
  }
  const count = new MessageCount();
  const arrival: Arrival = { bytes: 0, memory: 0, messages: 0, count, listener, room: NO_ROOM };
  arrivals.set(stream, arrival);
  const push = stream.push.bind(stream);
  stream.push = (piece: unknown, encoding?: BufferEncoding): boolean => {
    if (!(piece instanceof Uint8Array)) {
      // The request has ended; its call may last for hours.
      arrival.room = NO_ROOM;
      return push(piece, encoding);
    }
    const before = arrival.messages;
    arrival.messages = count.add(piece);
    const messages = arrival.messages - before;
    const more = before === 0 ? messages - 1 : messages;
    const own = piece.length + PIECE_BYTES;
    const arrived = { bytes: piece.length, memory: own + MESSAGE_BYTES * Math.max(0, more), messages };
    arrival.bytes += arrived.bytes;
    arrival.memory += arrived.memory;
    garbage.add(own);
    // What is not wanted opens no window for more.
    return arrival.listener(arrived) && push(ownMemory(arrival, piece));
  };
  return NOTHING;
}

const NO_ROOM = Buffer.alloc(0);

const NOTHING: Arrived = { bytes: 0, memory: 0, messages: 0 };

/**
 * A copy, in the request's own memory. Of a large request, pieces lie together in mappings of their own, which the system gets
 * back as soon as they are freed: among the buffers that Node.js reads into, single pieces leave holes that are too small for
 * the next of those, and a thousand requests took more in holes than in bytes.
 */
function ownMemory(arrival: Arrival, piece: Uint8Array): Buffer {
  if (arrival.room.length < piece.length) {
    const isLarge = arrival.bytes > SMALL_BYTES;
    arrival.room = Buffer.allocUnsafeSlow(isLarge ? Math.max(ROOM_BYTES, piece.length) : piece.length);
  }
  const copy = arrival.room.subarray(0, piece.length);
  arrival.room = arrival.room.subarray(piece.length);
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
