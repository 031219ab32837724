/** Packs the bytes of tiles into chunks: large tiles are cut without a copy, small ones share a chunk. */

import type { DecodedTile } from './tile-stream';

/** A run of the answer's data. Whoever reads it calls `release` when the bytes have left, or never will. */
export interface DataChunk {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly release: () => void;
}

const NOTHING = (): void => undefined;

/** Yields chunks of exactly `chunkBytes`, the last one apart; the first begins at position `start`. */
export async function* packChunks(
  tiles: AsyncIterable<DecodedTile>,
  chunkBytes: number,
  start = 0,
): AsyncGenerator<DataChunk, void, undefined> {
  let offset = start;
  let shared = new Uint8Array(0);
  let filled = 0;
  const chunk = (data: Uint8Array, release: () => void): DataChunk => {
    const made = { offset, data, release };
    offset += data.length;
    return made;
  };
  for await (const { bytes, release } of tiles) {
    const first = filled === 0 ? 0 : Math.min(bytes.length, chunkBytes - filled);
    const whole = Math.floor((bytes.length - first) / chunkBytes);
    // The tile is held by the chunks that are parts of it, and by this loop.
    let holders = whole + 1;
    const releaseOne = (): void => {
      if (--holders === 0) release();
    };
    let yielded = 0;
    try {
      shared.set(bytes.subarray(0, first), filled);
      filled += first;
      if (filled === chunkBytes) {
        yield chunk(shared, NOTHING);
        shared = new Uint8Array(0);
        filled = 0;
      }
      let at = first;
      for (; yielded < whole; at += chunkBytes) {
        yielded++;
        yield chunk(bytes.subarray(at, at + chunkBytes), releaseOne);
      }
      if (at < bytes.length) {
        if (shared.length === 0) shared = new Uint8Array(chunkBytes);
        shared.set(bytes.subarray(at), 0);
        filled = bytes.length - at;
      }
    } finally {
      // Where the reader leaves, nobody else holds the chunks that it has not seen.
      for (let held = whole - yielded + 1; held > 0; held--) releaseOne();
    }
  }
  if (filled > 0) yield chunk(shared.subarray(0, filled), NOTHING);
}
