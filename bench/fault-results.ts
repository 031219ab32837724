/** The figures of `npm run bench:faults`: bytes, seconds, and milliseconds where a name says so. */

/** A request alone. */
export interface RequestRow {
  readonly name: string;
  /** Of the message, and of what was sent for it. */
  readonly bytes: number;
  readonly sentBytes: number;
  /** The status that it ended with. */
  readonly outcome: string;
  readonly seconds: number;
  /** The largest resident memory above that of a server at rest. */
  readonly memory: number;
  /** The longest time that the thread that speaks gRPC was kept from its events. */
  readonly stallMs: number;
}

/** Calls whose answers are never read. */
export interface ReadersRow {
  readonly name: string;
  readonly calls: number;
  /** Those that were still open some seconds later; the others were refused. */
  readonly open: number;
  readonly memory: number;
  readonly stallMs: number;
}

export interface FaultResults {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  readonly commit: string;
  readonly requests: readonly RequestRow[];
  readonly readers: readonly ReadersRow[];
}
