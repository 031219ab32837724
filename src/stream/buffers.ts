/**
 * Recycled memory for tiles, shared with the workers. Fresh memory costs page faults, and memory that moves from thread
 * to thread is garbage to each in turn: their collectors would run all the time.
 */

import { TurnQueue } from '../turn-queue';
import { TILE_ELEMENTS } from '../plan/tile';

/** Sizes of the buffers: for a few small tensors, for as many as share a job, and for a tile of full size. */
const SIZES = [1 << 16, TILE_ELEMENTS / 4, TILE_ELEMENTS] as const;
const BYTES_PER_ELEMENT = 4;
const TILE_BYTES = TILE_ELEMENTS * BYTES_PER_ELEMENT;

/** What the streams of one caller hold together. */
interface Tenant {
  streams: number;
  bytes: number;
}

/**
 * Keeps every buffer that was ever taken, so that there are as many as were in use at a time. Shared memory cannot be
 * freed but by the collectors of all threads that have seen it, which do not count it and hence do not run for it.
 *
 * A part of the room is there for whoever holds less than its share, which is an equal one for each caller with streams:
 * many streams of one caller do not keep those of another waiting.
 */
export class BufferPool {
  readonly #free = new Map<number, SharedArrayBuffer[]>(
    SIZES.map((elements) => [elements * BYTES_PER_ELEMENT, []]),
  );
  readonly #aheadBytes: number;
  readonly #urgentBytes: number;
  readonly #waiting = new TurnQueue<() => void>();
  readonly #tenants = new Map<string, Tenant>();
  #bytesInUse = 0;

  /** Tiles of full size that may be in use for decoding ahead, and for what a reader waits for. */
  constructor(tilesAhead: number, tilesAtMost = Infinity) {
    this.#aheadBytes = tilesAhead * TILE_BYTES;
    this.#urgentBytes = tilesAtMost * TILE_BYTES;
  }

  /** Bytes that are in use, or will be at once. */
  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  /** How many wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What a stream of a caller draws its buffers from, until it leaves. */
  enter(caller = ''): StreamBuffers {
    const tenant = this.#tenants.get(caller) ?? { streams: 0, bytes: 0 };
    this.#tenants.set(caller, tenant);
    tenant.streams++;
    // What the stream was let in for and has not taken yet.
    let promised = 0;
    const hold = (bytes: number): void => {
      this.#bytesInUse += bytes;
      tenant.bytes += bytes;
    };
    const keepPromise = (): void => {
      hold(-promised);
      promised = 0;
    };
    const leave = (): void => {
      keepPromise();
      if (--tenant.streams === 0 && tenant.bytes === 0) this.#tenants.delete(caller);
      // Others' shares may have grown, and whoever had a turn may not have used it.
      this.#wake();
    };
    const give = (buffer: SharedArrayBuffer): void => {
      hold(-buffer.byteLength);
      if (tenant.bytes === 0 && tenant.streams === 0) this.#tenants.delete(caller);
      this.#free.get(buffer.byteLength)?.push(buffer);
      this.#wake();
    };
    const take = (bytes: number): SharedArrayBuffer => {
      const size = [...this.#free.keys()].find((kept) => kept >= bytes) ?? bytes;
      keepPromise();
      hold(size);
      const buffer = this.#free.get(size)?.pop() ?? new SharedArrayBuffer(size);
      // A small one may have left room for others.
      this.#wake();
      return buffer;
    };
    return {
      hasRoom: () => this.#hasRoom(caller, this.#aheadBytes),
      hasUrgentRoom: () => this.#mayGo(caller) && !this.#waiting.has(this.#mayGo),
      room: (signal) =>
        this.#room(signal, caller, () => {
          promised = TILE_BYTES;
          hold(promised);
        }),
      take,
      give,
      leave,
    };
  }

  /** Whether a caller may use more of the room, of which it has an equal share of `bytes`. */
  #hasRoom(caller: string, bytes: number): boolean {
    if (this.#bytesInUse < this.#aheadBytes) return true;
    const own = this.#tenants.get(caller)?.bytes ?? 0;
    return this.#bytesInUse < this.#urgentBytes && own < bytes / this.#tenants.size;
  }

  readonly #mayGo = (caller: string): boolean => this.#hasRoom(caller, this.#urgentBytes);

  async #room(signal: AbortSignal, caller: string, promise: () => void): Promise<void> {
    if (signal.aborted) return;
    const turn = { caller, stream: signal };
    await new Promise<void>((resolve) => {
      const leave = (): void => {
        this.#waiting.delete(go, turn);
        resolve();
      };
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        promise();
        resolve();
      };
      this.#waiting.push(go, turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Lets the next one that may go have its turn. */
  #wake(): void {
    this.#waiting.shift(this.#mayGo)?.();
  }
}

/** What one stream draws its buffers from. */
export interface StreamBuffers {
  /** Whether there is room for decoding ahead. */
  readonly hasRoom: () => boolean;
  /** Whether there is room for what a reader waits for, and nobody whose turn it is waits for it. */
  readonly hasUrgentRoom: () => boolean;
  /** Waits until there is, in turn with other callers, or until the signal aborts; then `take` without waiting. */
  readonly room: (signal: AbortSignal) => Promise<void>;
  /** A buffer of at least `bytes`. */
  readonly take: (bytes: number) => SharedArrayBuffer;
  /** Gives a buffer back once nothing reads it any more; after the stream has left, too. */
  readonly give: (buffer: SharedArrayBuffer) => void;
  /** The stream takes no more. */
  readonly leave: () => void;
}
