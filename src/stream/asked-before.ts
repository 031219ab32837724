/** Tells what is asked for again: of answers that may never be, nothing is kept. */

/** Keys that are remembered. */
const MOST_KEYS = 256;

export class AskedBefore {
  /** The latest last. */
  readonly #keys = new Set<string>();

  /** Whether the key is among the last that were asked for; from now on it is. */
  again(key: string): boolean {
    const isAgain = this.#keys.delete(key);
    this.#keys.add(key);
    for (const oldest of this.#keys) {
      if (this.#keys.size <= MOST_KEYS) break;
      this.#keys.delete(oldest);
    }
    return isAgain;
  }
}
