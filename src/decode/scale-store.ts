/**
 * The scales and deviations of the last blocks that were decoded: the tiles of a tensor share one, which costs a pass over
 * its factors.
 */

/** Each is a key and a number; a fused projection's tile needs three at a time. */
const ENTRIES = 64;

export class ScaleStore {
  readonly #scales = new Map<string, number>();

  /** The scale under `key`; `compute` makes it where it is not kept. */
  get(key: string, compute: () => number): number {
    const kept = this.#scales.get(key);
    if (kept !== undefined) return kept;
    return this.#keep(key, compute());
  }

  /** The same where it takes a while; two calls at a time may both compute it. */
  async getLater(key: string, compute: () => Promise<number>): Promise<number> {
    return this.#scales.get(key) ?? this.#keep(key, await compute());
  }

  #keep(key: string, scale: number): number {
    for (const oldest of this.#scales.keys()) {
      if (this.#scales.size < ENTRIES) break;
      this.#scales.delete(oldest);
    }
    this.#scales.set(key, scale);
    return scale;
  }
}
