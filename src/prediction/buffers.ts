/** Recycled buffers for tiles: fresh ones cost page faults that a stream would feel. */

import { TILE_ELEMENTS } from './tile';

const TILE_BYTES = TILE_ELEMENTS * 4;

/** Keeps up to `limit` buffers of the usual tile size. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A buffer of at least `bytes`. Small ones are made to measure, so that they are cheap to move. */
  take(bytes: number): ArrayBuffer {
    if (bytes > TILE_BYTES || bytes <= TILE_BYTES / 16) return new ArrayBuffer(bytes);
    return this.#free.pop() ?? new ArrayBuffer(TILE_BYTES);
  }

  /** Gives a buffer back once nothing reads it any more. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === TILE_BYTES && this.#free.length < this.#limit) this.#free.push(buffer);
  }
}
