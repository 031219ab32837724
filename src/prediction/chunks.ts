/** Packs the bytes of tiles into chunks: large tiles are cut without a copy, small ones share a chunk. */

import type { DecodedTile } from './tile-stream';

/** A run of the answer's data. `release` is called when the bytes have left. */
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
    let at = 0;
    if (filled > 0) {
      const taken = Math.min(bytes.length, chunkBytes - filled);
      shared.set(bytes.subarray(0, taken), filled);
      at = taken;
      filled += taken;
      if (filled === chunkBytes) {
        yield chunk(shared, NOTHING);
        shared = new Uint8Array(0);
        filled = 0;
      }
    }
    const whole = Math.floor((bytes.length - at) / chunkBytes);
    let outstanding = whole + 1;
    const releaseOne = (): void => {
      if (--outstanding === 0) release();
    };
    for (let index = 0; index < whole; index++, at += chunkBytes) {
      yield chunk(bytes.subarray(at, at + chunkBytes), releaseOne);
    }
    if (at < bytes.length) {
      if (shared.length === 0) shared = new Uint8Array(chunkBytes);
      shared.set(bytes.subarray(at), 0);
      filled = bytes.length - at;
    }
    releaseOne();
  }
  if (filled > 0) yield chunk(shared.subarray(0, filled), NOTHING);
}
