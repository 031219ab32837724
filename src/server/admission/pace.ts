/** How long things take, of late: what tells when one of several will be done. */

/** The weight of the last one. */
const LATEST = 0.2;

export class Pace {
  #mean: number | undefined;

  /** Milliseconds; undefined before the first. */
  get meanMs(): number | undefined {
    return this.#mean;
  }

  /** One has taken so long. */
  took(ms: number): void {
    this.#mean = this.#mean === undefined ? ms : this.#mean + LATEST * (ms - this.#mean);
  }
}
