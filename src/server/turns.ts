/**
 * Short pieces of work, of which many may come at once: one in each turn of the event loop, with all that follows from it, so
 * that others are heard in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #next: NodeJS.Immediate | undefined;

  /** Does a piece of work: at once where it is the first in this turn. */
  run(work: () => void): void {
    if (this.#next === undefined) work();
    else this.#waiting.push(work);
    this.#next ??= setImmediate(this.#goOn);
  }

  /** Does all that waits. */
  flush(): void {
    for (const work of this.#waiting.splice(0)) work();
  }

  readonly #goOn = (): void => {
    const work = this.#waiting.shift();
    this.#next = work === undefined ? undefined : setImmediate(this.#goOn);
    work?.();
  };
}
