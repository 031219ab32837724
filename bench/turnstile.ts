/** Lets many do their rounds at a time, and none of them while it is closed. */

export class Turnstile {
  #within = 0;
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;
  #onEmpty: () => void = () => undefined;

  /** Does a round as soon as that is allowed. */
  async through(round: () => Promise<void>): Promise<void> {
    while (this.#opened !== undefined) await this.#opened;
    this.#within++;
    try {
      await round();
    } finally {
      if (--this.#within === 0) this.#onEmpty();
    }
  }

  /** Lets nobody begin any more, and waits until all have done. */
  async close(): Promise<void> {
    this.#opened = new Promise((resolve) => (this.#open = resolve));
    if (this.#within > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  open(): void {
    this.#opened = undefined;
    this.#open();
  }
}
