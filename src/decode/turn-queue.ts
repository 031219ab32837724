/** A queue in which callers take turns, and the streams of a caller among themselves: many streams are no larger share. */

/** Whose turn an item is. */
export interface Turn {
  readonly caller: string;
  /** Tells the streams of a caller apart. */
  readonly stream: object;
}

export class TurnQueue<Item> {
  /** In the order of their turns. */
  readonly #callers = new Map<string, Map<object, Item[]>>();
  #size = 0;

  /** Items that wait. */
  get size(): number {
    return this.#size;
  }

  push(item: Item, { caller, stream }: Turn): void {
    const streams = this.#callers.get(caller) ?? new Map<object, Item[]>();
    const items = streams.get(stream) ?? [];
    items.push(item);
    streams.set(stream, items);
    this.#callers.set(caller, streams);
    this.#size++;
  }

  /** The oldest item of the stream, of the caller, whose turn it is; both stand last afterwards. */
  shift(): Item | undefined {
    for (const [caller, streams] of this.#callers) {
      for (const [stream, items] of streams) {
        const item = items.shift();
        streams.delete(stream);
        if (items.length > 0) streams.set(stream, items);
        this.#callers.delete(caller);
        if (streams.size > 0) this.#callers.set(caller, streams);
        this.#size--;
        return item;
      }
    }
    return undefined;
  }

  /** Takes an item out before its turn. */
  delete(item: Item, { caller, stream }: Turn): void {
    const streams = this.#callers.get(caller);
    const items = streams?.get(stream);
    const at = items?.indexOf(item) ?? -1;
    if (streams === undefined || items === undefined || at < 0) return;
    items.splice(at, 1);
    this.#size--;
    if (items.length === 0) streams.delete(stream);
    if (streams.size === 0) this.#callers.delete(caller);
  }

  /** Takes all items out. */
  clear(): Item[] {
    const items = [...this.#callers.values()].flatMap((streams) => [...streams.values()].flat());
    this.#callers.clear();
    this.#size = 0;
    return items;
  }
}
