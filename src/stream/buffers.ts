/**
 * Recycled memory for tiles, shared with the workers. Fresh memory costs page faults, and memory that moves from thread
 * to thread is garbage to each in turn: their collectors would run all the time.
 */

import { TurnQueue } from '../decode/turn-queue';
import { TILE_ELEMENTS } from '../plan/tile';

/** Sizes of the buffers: for a few small tensors, for as many as share a job, and for a tile of full size. */
const SIZES = [1 << 16, TILE_ELEMENTS / 4, TILE_ELEMENTS] as const;
const BYTES_PER_ELEMENT = 4;

/**
 * Keeps every buffer that was ever taken, so that there are as many as were in use at a time. Shared memory cannot be
 * freed but by the collectors of all threads that have seen it, which do not count it and hence do not run for it.
 */
export class BufferPool {
  readonly #free = new Map<number, SharedArrayBuffer[]>(
    SIZES.map((elements) => [elements * BYTES_PER_ELEMENT, []]),
  );
  readonly #aheadBytes: number;
  readonly #urgentBytes: number;
  readonly #waiting = new TurnQueue<() => void>();
  #bytesInUse = 0;

  /** Tiles of full size that may be in use for decoding ahead, and for what a reader waits for. */
  constructor(tilesAhead: number, tilesAtMost = Infinity) {
    this.#aheadBytes = tilesAhead * TILE_ELEMENTS * BYTES_PER_ELEMENT;
    this.#urgentBytes = tilesAtMost * TILE_ELEMENTS * BYTES_PER_ELEMENT;
  }

  /** Whether there is room for decoding ahead. */
  get hasRoom(): boolean {
    return this.#bytesInUse < this.#aheadBytes;
  }

  /** Whether there is room for what a reader waits for, and nobody has waited for it longer. */
  get hasUrgentRoom(): boolean {
    return this.#bytesInUse < this.#urgentBytes && this.#waiting.size === 0;
  }

  /** Bytes that are in use. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** How many wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for a turn, which callers have one after the other, or until the signal aborts; then `take` without waiting.
   */
  async room(signal: AbortSignal, caller = ''): Promise<void> {
    if (this.hasUrgentRoom || signal.aborted) return;
    const turn = { caller, stream: signal };
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done, turn);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.push(done, turn);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** A buffer of at least `bytes`. */
  take(bytes: number): SharedArrayBuffer {
    const size = [...this.#free.keys()].find((kept) => kept >= bytes) ?? bytes;
    this.#bytesInUse += size;
    return this.#free.get(size)?.pop() ?? new SharedArrayBuffer(size);
  }

  /** Gives a buffer back once nothing reads it any more. */
  give(buffer: SharedArrayBuffer): void {
    this.#bytesInUse -= buffer.byteLength;
    this.#free.get(buffer.byteLength)?.push(buffer);
    this.wake();
  }

  /** Lets the next one have its turn, where there is room: for whoever had a turn and takes nothing. */
  wake(): void {
    if (this.#bytesInUse >= this.#urgentBytes) return;
    this.#waiting.shift()?.();
  }
}
