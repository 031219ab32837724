/** A cache bounded by the bytes of its values; the least recently used go first. */

export class ByteBoundedCache<Value> {
  readonly #limit: number;
  readonly #bytesOf: (value: Value) => number;
  readonly #entries = new Map<string, Value>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** `limit` in bytes; the newest value is kept even where it is larger. */
  constructor(limit: number, bytesOf: (value: Value) => number) {
    this.#limit = limit;
    this.#bytesOf = bytesOf;
  }

  /** How often a value was kept, and how often it had to be made. */
  get requests(): { readonly hit: number; readonly miss: number } {
    return { hit: this.#hits, miss: this.#misses };
  }

  /** The value under `key`, made where it is not kept. Two calls at a time may both make it. */
  async get(key: string, make: () => Promise<Value>): Promise<Value> {
    const kept = this.#entries.get(key);
    if (kept !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, kept);
      this.#hits++;
      return kept;
    }
    this.#misses++;
    const made = await make();
    this.#remove(key);
    this.#entries.set(key, made);
    this.#bytes += this.#bytesOf(made);
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limit || this.#entries.size === 1) break;
      this.#remove(oldest);
    }
    return made;
  }

  #remove(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= this.#bytesOf(value);
  }
}
