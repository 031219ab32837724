/**
 * Recycled memory for chunks on their way to the network. Memory outside the heap that a stream allocates afresh keeps
 * the garbage collector of the thread running all the time: a few objects, but gigabytes.
 */

/** Bytes before a chunk's data, for what frames it on the wire. */
export const HEADROOM = 64;

const SMALLEST = 4096;

/** Frames of a power of two of data bytes each, and their headroom. Not limited in number; few are kept for others. */
export class FramePool {
  readonly #free = new Map<number, Buffer[]>();
  readonly #keptBytes: number;
  #freeBytes = 0;

  /** Keeps at most `keptBytes` of what is given back. */
  constructor(keptBytes: number) {
    this.#keptBytes = keptBytes;
  }

  /** A frame for at least `dataBytes`; data begin at HEADROOM. Its contents are arbitrary. */
  take(dataBytes: number): Buffer {
    const size = HEADROOM + Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(dataBytes)));
    const free = this.#free.get(size)?.pop();
    if (free === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return free;
  }

  /** Gives a frame back once nothing reads it any more. */
  give(frame: Buffer): void {
    const size = frame.length;
    if (this.#freeBytes + size > this.#keptBytes) return;
    this.#freeBytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [frame]);
    else free.push(frame);
  }
}
