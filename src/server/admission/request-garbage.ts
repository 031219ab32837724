/**
 * Memory that requests leave behind. A piece of a request dies young, but its bytes lie outside of V8's heap, which lets up to
 * 64 MiB of such garbage lie before it looks: as much again as all requests may hold.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may lie. Collecting what died young takes a millisecond or two. */
const MOST_BYTES = 8 * 2 ** 20;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;
let left = 0;

/** Tells of bytes that will be garbage soon, and collects what has come to too much. */
export function leaveBehind(bytes: number): void {
  left += bytes;
  if (left < MOST_BYTES) return;
  left = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** V8's own, which it offers to contexts that are made after it has been told so. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('globalThis.gc') as Collect | undefined;
  setFlagsFromString('--no-expose-gc');
  return found ?? ((): void => undefined);
}
