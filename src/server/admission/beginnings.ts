/**
 * Lets calls begin one at a time, and others be heard in between. One packet may bring a hundred calls, and each costs a part
 * of a millisecond before its first wait: together they would keep the thread from everybody else.
 */

import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import { TurnQueue } from '../../turn-queue';
import { UnreadRequest, type WaitingMemory } from './arrivals';

/** What requests may take whose calls have not begun, all of them together: they wait for milliseconds. */
const WAITING_BYTES = 4 * 2 ** 20;

/** A call that has arrived. */
interface Arrival {
  readonly stream: ServerHttp2Stream;
  readonly begin: () => void;
}

type StreamListener = (stream: ServerHttp2Stream, ...rest: unknown[]) => void;

/** The calls of all of a server's addresses that have not begun. */
export class Beginnings {
  /** Addresses take turns, and the connections of each. */
  readonly #waiting = new TurnQueue<Arrival>();
  readonly #memory: WaitingMemory = { bytes: 0 };
  #next: NodeJS.Immediate | undefined;

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Puts the calls of an HTTP/2 server in turn, before all that listens to its streams now. */
  watch(server: Http2Server): void {
    const listeners = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', (stream: ServerHttp2Stream, ...rest: unknown[]) => {
      this.#arrive(stream, () => {
        for (const listener of listeners) listener.call(server, stream, ...rest);
      });
    });
  }

  #arrive(stream: ServerHttp2Stream, begin: () => void): void {
    const { session } = stream;
    const arrival = { stream, begin: once };
    const turn = { caller: session?.socket.remoteAddress ?? '', stream: session ?? this };
    // One that brings much does not wait, so that what waits is little: its bytes are counted as those of its caller then.
    const request = new UnreadRequest(stream, this.#memory, WAITING_BYTES, () => {
      this.#waiting.delete(arrival, turn);
      once();
    });
    let hasBegun = false;
    function once(): void {
      if (hasBegun) return;
      hasBegun = true;
      stream.off('error', ignore);
      begin();
      request.begun();
    }
    if (this.#next === undefined) {
      once();
    } else {
      // The call's own listener comes with its beginning.
      stream.on('error', ignore);
      this.#waiting.push(arrival, turn);
    }
    // What is at once in the same turn of the event loop waits for the next one.
    this.#next ??= setImmediate(this.#beginNext);
  }

  readonly #beginNext = (): void => {
    this.#next = undefined;
    for (;;) {
      const arrival = this.#waiting.shift();
      if (arrival === undefined) return;
      const { stream, begin } = arrival;
      // Whoever reset it wants no answer.
      if (stream.closed || stream.destroyed) continue;
      this.#next = setImmediate(this.#beginNext);
      begin();
      return;
    }
  };
}

const ignore = (): void => undefined;
