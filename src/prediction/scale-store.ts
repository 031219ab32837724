/** The scales of the last blocks that were decoded: the tiles of a tensor share one, which costs a pass over its factors. */

/** A scale is a key and a number; a fused projection's tile needs three at a time. */
const ENTRIES = 64;

export class ScaleStore {
  readonly #scales = new Map<string, number>();

  /** The scale under `key`; `compute` makes it where it is not kept. */
  get(key: string, compute: () => number): number {
    const kept = this.#scales.get(key);
    if (kept !== undefined) return kept;
    const scale = compute();
    for (const oldest of this.#scales.keys()) {
      if (this.#scales.size < ENTRIES) break;
      this.#scales.delete(oldest);
    }
    this.#scales.set(key, scale);
    return scale;
  }
}
