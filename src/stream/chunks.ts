/** Packs the bytes of tiles into chunks. */

import { HEADROOM, type FramePool } from './frames';
import type { DecodedTile } from './tile-stream';

/** A run of the answer's data. Whoever reads it calls `release` when the bytes have left, or never will. */
export interface DataChunk {
  readonly offset: number;
  /** Lies in memory of its own behind HEADROOM bytes that the reader may write to. */
  readonly data: Buffer;
  readonly release: () => void;
}

/**
 * Yields chunks of exactly `chunkBytes`, the last one apart; the first begins at position `start`. A tile is released
 * when its bytes are in chunks.
 */
export async function* packChunks(
  tiles: AsyncIterable<DecodedTile>,
  chunkBytes: number,
  frames: FramePool,
  start = 0,
): AsyncGenerator<DataChunk, void, undefined> {
  let offset = start;
  let frame: Buffer | undefined;
  let filled = 0;
  const chunk = (whole: Buffer): DataChunk => {
    const data = whole.subarray(HEADROOM, HEADROOM + filled);
    const made = {
      offset,
      data,
      release: once(() => {
        frames.give(whole);
      }),
    };
    offset += filled;
    filled = 0;
    frame = undefined;
    return made;
  };
  try {
    for await (const { bytes, release } of tiles) {
      try {
        for (let at = 0; at < bytes.length;) {
          frame ??= frames.take(chunkBytes);
          const count = Math.min(bytes.length - at, chunkBytes - filled);
          frame.set(bytes.subarray(at, at + count), HEADROOM + filled);
          at += count;
          filled += count;
          if (filled === chunkBytes) yield chunk(frame);
        }
      } finally {
        release();
      }
    }
    if (frame !== undefined) yield chunk(frame);
  } finally {
    // Where the reader leaves, or the tiles fail, nobody has seen what is filled so far.
    if (frame !== undefined) frames.give(frame);
  }
}

/** Memory that is given back twice would be two chunks' at a time. */
function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
