/**
 * Recycled memory for tiles, shared with the workers. Fresh memory costs page faults, and memory that moves from thread
 * to thread is garbage to each in turn: their collectors would run all the time.
 */

import { TILE_ELEMENTS } from './tile';

const TILE_BYTES = TILE_ELEMENTS * 4;

/** Keeps up to `limit` buffers of the usual tile size. */
export class BufferPool {
  readonly #free: SharedArrayBuffer[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A buffer of at least `bytes`. Small ones are made to measure. */
  take(bytes: number): SharedArrayBuffer {
    if (bytes > TILE_BYTES || bytes <= TILE_BYTES / 16) return new SharedArrayBuffer(bytes);
    return this.#free.pop() ?? new SharedArrayBuffer(TILE_BYTES);
  }

  /** Gives a buffer back once nothing reads it any more. */
  give(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength === TILE_BYTES && this.#free.length < this.#limit) this.#free.push(buffer);
  }
}
