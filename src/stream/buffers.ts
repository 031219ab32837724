/**
 * Recycled memory for tiles, shared with the workers. Fresh memory costs page faults, and memory that moves from thread
 * to thread is garbage to each in turn: their collectors would run all the time.
 */

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
  readonly #limitBytes: number;
  #bytesInUse = 0;

  /** `tiles` of full size may be in use before there is no more room for what is not urgent. */
  constructor(tiles: number) {
    this.#limitBytes = tiles * TILE_ELEMENTS * BYTES_PER_ELEMENT;
  }

  /** Whether there is room for decoding ahead. */
  get hasRoom(): boolean {
    return this.#bytesInUse < this.#limitBytes;
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
  }
}
