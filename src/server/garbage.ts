/**
 * Memory that requests leave behind. Their bytes lie outside of V8's heap, which lets up to 64 MiB of such garbage lie in each
 * thread before it looks: as much again as all requests may hold.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may lie in a thread. */
const MOST_BYTES = 8 * 2 ** 20;

/** Which garbage: what died young, which takes a millisecond or two, or all, which takes ten times as long. */
export type Extent = 'minor' | 'major';

type Collect = (options: { readonly type: Extent }) => void;

let collect: Collect | undefined;

/** The garbage of one kind in this thread. */
export class Garbage {
  readonly #extent: Extent;
  #bytes = 0;

  /** extent: of its collections. All, on the thread that speaks gRPC, makes requests pile up in front of it, and memory with them. */
  constructor(extent: Extent) {
    this.#extent = extent;
  }

  /** Tells of bytes that are garbage, or will be soon, and collects what has come to too much. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < MOST_BYTES) return;
    this.#bytes = 0;
    collect ??= collector();
    collect({ type: this.#extent });
  }
}

/** V8's own, which it offers to contexts that are made after it has been told so. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('globalThis.gc') as Collect | undefined;
  setFlagsFromString('--no-expose-gc');
  return found ?? ((): void => undefined);
}
