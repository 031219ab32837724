/** Memory that a worker uses again for every tile: what is not garbage need not wait for its collection. */

/** A growing float32 buffer. What `take` returned is overwritten by the next `take`. */
export class Scratch {
  #buffer = new Float32Array(0);

  /** `length` elements of unspecified value. */
  take(length: number): Float32Array {
    if (this.#buffer.length < length) this.#buffer = new Float32Array(length);
    return this.#buffer.subarray(0, length);
  }
}

/** A worker's scratch memory, by use. */
export interface WorkerScratch {
  /** Rows of A, gathered for a product. */
  readonly rows: Scratch;
  /** Products that are not laid out as the tile is. */
  readonly product: Scratch;
  /** Tiles in float32 before they are narrowed. */
  readonly tile: Scratch;
}

export function createScratch(): WorkerScratch {
  return { rows: new Scratch(), product: new Scratch(), tile: new Scratch() };
}
