/** The figures of `npm run soak`: bytes, seconds, and milliseconds where a name says so. */

/** What the server held at one moment. */
export interface SoakSample {
  /** Since the load began. */
  readonly seconds: number;
  readonly resident: number;
  /** Of the resident bytes, those that no file holds. */
  readonly anonymous: number;
  /** Of the main thread, as V8 counts them. */
  readonly heapUsed: number;
  readonly external: number;
  /** Of the external bytes, those of buffers. */
  readonly arrayBuffers: number;
  /** The longest stall of the thread that speaks gRPC since the sample before, in milliseconds. */
  readonly stallMs: number;
}

/** What the server holds while nobody calls, its garbage collected. */
export interface SoakRest extends Omit<SoakSample, 'stallMs'> {
  /** Of all threads together: what their heaps take, and the buffers that each has made. */
  readonly threads: {
    readonly count: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly arrayBuffers: number;
  };
  /** What glibc's allocator has handed out and not got back. */
  readonly allocated: number;
  /** Resident, and of that what no file holds, after the allocator has given back all pages that are free. */
  readonly trimmed: { readonly resident: number; readonly anonymous: number };
}

export interface SoakResults {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly node: string;
  readonly commit: string;
  /** Processor load of the machine, of a minute each, from the least to the most. */
  readonly load: readonly [number, number];
  /** Of load, and how much of it was warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Kinds of callers; empty: all of them. */
  readonly only: string;
  /** What the container image sets for the allocator, and the server had here too. */
  readonly environment: Readonly<Record<string, string>>;
  /** `--cache-bytes` of the server. */
  readonly cacheBytes: number;
  /** Rounds of each kind of load, warm-up included. */
  readonly rounds: Readonly<Record<string, number>>;
  /** Rounds that failed, by kind. */
  readonly failures: Readonly<Record<string, number>>;
  /** Calls of the fuzz by the status that they ended with. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Lines of the server's log at level error or above. */
  readonly errors: number;
  /** With the warm-up, in which functions are compiled. */
  readonly longestStallMs: number;
  readonly samples: readonly SoakSample[];
  readonly rests: readonly SoakRest[];
}
