/**
 * Turns of handing bytes to the network, which callers have one after the other, and the streams of each. The thread that
 * speaks gRPC packs, frames, encrypts and copies what is written; without turns it would serve streams, not callers, and a
 * caller with sixty would keep it busy sixty times as long as one with a single stream.
 */

import { TurnQueue, type Turn } from '../../turn-queue';

/**
 * Bytes that are handed over before the event loop goes round: it then takes what workers have decoded and what sockets can
 * take, of all callers, about a millisecond later.
 */
const BYTES_A_ROUND = 2 ** 20;

export class WriteTurns {
  readonly #bytesARound: number;
  readonly #waiting = new TurnQueue<() => void>();
  #left: number;
  #isWaitingForRound = false;

  constructor(bytesARound = BYTES_A_ROUND) {
    this.#bytesARound = bytesARound;
    this.#left = bytesARound;
  }

  /** Waits for the turn of a stream that has `bytes` to write; at once where nobody is before it in this round. */
  async wait(turn: Turn, bytes: number): Promise<void> {
    if (this.#waiting.size === 0 && this.#left > 0) {
      this.#take(bytes);
      return;
    }
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#take(bytes);
        resolve();
      };
      this.#waiting.push(go, turn, bytes);
    });
  }

  #take(bytes: number): void {
    this.#left -= bytes;
    if (this.#isWaitingForRound) return;
    this.#isWaitingForRound = true;
    setImmediate(() => {
      this.#round();
    });
  }

  #round(): void {
    this.#isWaitingForRound = false;
    this.#left = this.#bytesARound;
    this.#next();
  }

  /** One after the other: whoever had a turn may stand in line again before the next one is chosen. */
  #next(): void {
    if (this.#left <= 0 || this.#waiting.size === 0) return;
    this.#waiting.shift()?.();
    // Behind all that the turn leads to at once: ticks come after all promises, but not between two ticks.
    queueMicrotask(() => {
      process.nextTick(() => {
        this.#next();
      });
    });
  }
}
