/** Something that several hold, and that ends when the last of them lets it go. */
export class Held {
  readonly #end: () => Promise<void>;
  readonly #ended: Promise<void>;
  #settle: (ending: Promise<void>) => void = () => undefined;
  #holders = 0;
  #isOver = false;

  /** `end` is called once. */
  constructor(end: () => Promise<void>) {
    this.#end = end;
    this.#ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Holds it, which is too late once it has ended; the result lets go, once however often it is called. */
  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holders > 0 || this.#isOver) return;
      this.#isOver = true;
      this.#settle(this.#end());
    };
  }
}
