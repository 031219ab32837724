/**
 * The factors of the last nodes that were decoded: the tiles of a large tensor share them. Their memory is used again
 * for the next nodes; left to the garbage collector, which sees few objects and is in no hurry, it would pile up.
 */

import type { Factors } from '../hypernet/sessions';

/** A fused projection's tile needs three at a time. */
const ENTRIES = 4;

interface Entry {
  key: string;
  a: Float32Array;
  b: Float32Array;
  lastUse: number;
}

export class FactorStore {
  readonly #entries: Entry[] = Array.from({ length: ENTRIES }, () => ({
    key: '',
    a: new Float32Array(0),
    b: new Float32Array(0),
    lastUse: 0,
  }));
  #clock = 0;

  /**
   * The factors under `key`, with `aLength` and `bLength` elements; `fill` writes them where they are not kept. They
   * are valid until three other keys have been asked for.
   */
  async get(
    key: string,
    aLength: number,
    bLength: number,
    fill: (factors: Factors) => Promise<void>,
  ): Promise<Factors> {
    const kept = this.#entries.find((entry) => entry.key === key);
    const entry =
      kept ?? this.#entries.reduce((oldest, other) => (other.lastUse < oldest.lastUse ? other : oldest));
    entry.lastUse = ++this.#clock;
    if (entry.a.length < aLength) entry.a = new Float32Array(aLength);
    if (entry.b.length < bLength) entry.b = new Float32Array(bLength);
    const factors = { a: entry.a.subarray(0, aLength), b: entry.b.subarray(0, bLength) };
    if (kept === undefined) {
      // A failed fill must not leave half-written factors under the key.
      entry.key = '';
      await fill(factors);
      entry.key = key;
    }
    return factors;
  }
}
