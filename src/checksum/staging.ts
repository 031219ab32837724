/** Memory of WebAssembly in which bytes are summed; what else works on them there spares a copy. */

import { crc32 as sum } from 'node:zlib';
import { instantiate, type WasmMemory } from '../wasm';
import { FOLD_WASM } from './fold-wasm';

const BLOCK_BYTES = 16;
/** Distances in blocks over which a block is added; the largest is the number of blocks that are left at least. */
const DISTANCES = [145, 183, 211, 300] as const;
const LAST_BYTES = 300 * BLOCK_BYTES;

/** Where bytes to be summed begin: zeros before the message stand for the blocks before its first. */
export const STAGED = LAST_BYTES;
/** Bytes that are staged at a time, at most: they stay in the processor's cache from the copy to the sum. */
export const STEP_BYTES = 256 * 1024;
/** Where other memory begins, and its bytes. */
export const SPARE = 320 * 1024;
export const SPARE_BYTES = 512 * 1024;
/** Where the factors of a product lie while they are multiplied, and their bytes. */
export const LEFT = 14 * 64 * 1024;
export const LEFT_BYTES = 128 * 1024;
export const RIGHT = LEFT + LEFT_BYTES;
export const RIGHT_BYTES = 4 * 1024 * 1024;
/** Fewer bytes are not worth folding. */
export const LEAST_FOLDED = 4 * LAST_BYTES;

interface Fold {
  readonly memory: WasmMemory;
  readonly fold: (start: number, end: number) => void;
  readonly add: (to: number, from: number, end: number) => void;
}

const { memory, fold, add } = instantiate(FOLD_WASM) as Fold;
const words = new DataView(memory.buffer);

/** The memory, as WebAssembly imports it and as bytes. */
export const stagingMemory: WasmMemory = memory;
export const staging = new Uint8Array(memory.buffer);

/** The CRC-32 of the first `length` staged bytes, behind bytes whose CRC-32 is `previous`. Overwrites them. */
export function sumStaged(length: number, previous: number): number {
  if (length < LEAST_FOLDED) return sum(staging.subarray(STAGED, STAGED + length), previous);
  staging.fill(0, 0, STAGED);
  // The register's state before the message is added to its first four bytes; from then on the state is zero.
  words.setUint32(STAGED, words.getUint32(STAGED, true) ^ ~previous, true);
  const blocks = Math.floor(length / BLOCK_BYTES) - LAST_BYTES / BLOCK_BYTES;
  const folded = (blocks - (blocks % 4)) * BLOCK_BYTES;
  fold(0, folded);
  const end = STAGED + folded;
  for (const distance of DISTANCES) add(end, end - distance * BLOCK_BYTES, end);
  // Node.js inverts the state before and after: this is one of zero.
  return sum(staging.subarray(end, STAGED + length), 0xffffffff);
}
