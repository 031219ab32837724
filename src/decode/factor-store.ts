/** The factors of the nodes that a job needs, and of the last ones before: the tiles of a large tensor share them. */

import type { FactorRows } from '../expansion-window';
import type { Factors } from '../hypernet/sessions';

/** Kept for later jobs; a fused projection's tile needs three at a time. */
const ENTRIES = 4;

/** What factors are decoded from: some rows of the A and of the B of a node's block. */
export interface FactorNeed {
  /** Tells blocks and sizes apart, and those of other requests. */
  readonly key: string;
  readonly embedding: Float32Array;
  readonly slot: number;
  readonly a: FactorRows;
  readonly b: FactorRows;
}

export class FactorStore {
  /** By key, the least recently needed first. */
  readonly #kept = new Map<string, Factors>();

  /** The factors under a key of the last `load`. */
  get(key: string): Factors | undefined {
    return this.#kept.get(key);
  }

  /** Makes what is needed and not kept, all at a time. What earlier calls needed is kept as long as it is among the last. */
  async load(
    needs: readonly FactorNeed[],
    decode: (missing: readonly FactorNeed[]) => Promise<readonly Factors[]>,
  ): Promise<void> {
    const needed = new Map(needs.map((need) => [need.key, need]));
    const missing = [...needed.values()].filter(({ key }) => !this.#kept.has(key));
    // Room is made before it is filled.
    this.#makeRoom(missing.length, needed);
    const made = await decode(missing);
    for (const key of needed.keys()) {
      const kept = this.#kept.get(key);
      if (kept === undefined) continue;
      this.#kept.delete(key);
      this.#kept.set(key, kept);
    }
    missing.forEach(({ key }, index) => {
      this.#kept.set(key, made[index] as Factors);
    });
  }

  #makeRoom(count: number, needed: ReadonlyMap<string, FactorNeed>): void {
    for (const key of this.#kept.keys()) {
      if (this.#kept.size + count <= ENTRIES) return;
      if (!needed.has(key)) this.#kept.delete(key);
    }
  }
}
