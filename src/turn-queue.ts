/**
 * A queue in which callers take turns, and the streams of a caller among themselves: many streams are no larger share. Who
 * has had less comes first; what an item costs is in any unit that all items of a queue have (start-time fair queuing).
 */

/** Whose turn an item is. */
export interface Turn {
  readonly caller: string;
  /** Tells the streams of a caller apart. */
  readonly stream: object;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly cost: number;
}

/** What a caller has in the queue. */
interface Line<Item> {
  /** In the order of their turns. */
  readonly streams: Map<object, Waiting<Item>[]>;
  /** What the caller has had, on the queue's clock: where its next item starts. */
  start: number;
}

export class TurnQueue<Item> {
  /** In the order of their turns where they have had as much; a caller of whom nothing waits is kept while it has had more than others. */
  readonly #lines = new Map<string, Line<Item>>();
  /** Where the last item started: what whoever comes now has had, as far as the queue is concerned. */
  #clock = 0;
  #size = 0;

  /** Items that wait. */
  get size(): number {
    return this.#size;
  }

  push(item: Item, { caller, stream }: Turn, cost = 1): void {
    const line = this.#lines.get(caller) ?? {
      streams: new Map<object, Waiting<Item>[]>(),
      start: this.#clock,
    };
    if (line.streams.size === 0) line.start = Math.max(line.start, this.#clock);
    const items = line.streams.get(stream) ?? [];
    items.push({ item, cost });
    line.streams.set(stream, items);
    this.#lines.set(caller, line);
    this.#size++;
  }

  /** Whether there is an item of a caller that `mayGo` lets go. */
  has(mayGo: (caller: string) => boolean): boolean {
    for (const [caller, { streams }] of this.#lines) if (streams.size > 0 && mayGo(caller)) return true;
    return false;
  }

  /**
   * The oldest item of the stream, of the caller, whose turn it is; both stand behind those that have had as much
   * afterwards. Callers that `mayGo` does not let go are passed by.
   */
  shift(mayGo: (caller: string) => boolean = () => true): Item | undefined {
    const found = this.#next(mayGo);
    if (found === undefined) return undefined;
    const { caller, line } = found;
    const [stream, items] = line.streams.entries().next().value as [object, Waiting<Item>[]];
    const { item, cost } = items.shift() as Waiting<Item>;
    line.streams.delete(stream);
    if (items.length > 0) line.streams.set(stream, items);
    this.#lines.delete(caller);
    this.#lines.set(caller, line);
    this.#clock = line.start;
    line.start += cost;
    this.#size--;
    this.#forget();
    return item;
  }

  /** Takes an item out before its turn. */
  delete(item: Item, { caller, stream }: Turn): void {
    const streams = this.#lines.get(caller)?.streams;
    const items = streams?.get(stream);
    const at = items?.findIndex((waiting) => waiting.item === item) ?? -1;
    if (streams === undefined || items === undefined || at < 0) return;
    items.splice(at, 1);
    this.#size--;
    if (items.length === 0) streams.delete(stream);
    this.#forget();
  }

  /** Takes all items out. */
  clear(): Item[] {
    const lines = [...this.#lines.values()];
    const items = lines.flatMap(({ streams }) => [...streams.values()].flat().map(({ item }) => item));
    this.#lines.clear();
    this.#size = 0;
    return items;
  }

  #next(
    mayGo: (caller: string) => boolean,
  ): { readonly caller: string; readonly line: Line<Item> } | undefined {
    let found: { caller: string; line: Line<Item> } | undefined;
    for (const [caller, line] of this.#lines) {
      if (line.streams.size === 0 || (found !== undefined && found.line.start <= line.start)) continue;
      if (mayGo(caller)) found = { caller, line };
    }
    return found;
  }

  /** Whoever has nothing here, and has had no more than those that come now, is as if it had never been. */
  #forget(): void {
    for (const [caller, { streams, start }] of this.#lines) {
      if (streams.size === 0 && (this.#size === 0 || start <= this.#clock)) this.#lines.delete(caller);
    }
  }
}
