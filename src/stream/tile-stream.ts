/** Decodes a plan's tensors tile by tile, in order, a bounded number of tiles ahead of whoever reads them. */

import { abortError } from '../errors';
import type { BufferPool, StreamBuffers } from './buffers';
import type { DataRange } from '../plan/data-range';
import type { DecodePool } from '../decode/decode-pool';
import type { PlannedTensor } from '../plan/planned-tensor';
import { plannedJobs, type PlannedJob, type StreamablePlan } from './tile-jobs';
import type { FillJob } from '../decode/worker-protocol';

/** The bytes of one tile. The reader calls `release` when it has done with them. */
export interface DecodedTile {
  readonly tensor: PlannedTensor;
  readonly bytes: Uint8Array;
  /** Of the whole tile's bytes, as in zlib. */
  readonly crc32: number;
  readonly release: () => void;
}

/** What decodes, and how far ahead. */
export interface TileStreamOptions {
  readonly pool: Pick<DecodePool, 'decode'>;
  readonly buffers: BufferPool;
  /** Jobs, each a tile or some small ones, that may be decoded or decoding before the reader asks for them, as long as `buffers` has room. */
  readonly tilesAhead: number;
  /** Tells requests apart; unique in this process. */
  readonly requestKey: string;
  /** The part of the plan's data that is wanted: tensors outside it are left out, those at its ends are whole. */
  readonly range: DataRange;
  readonly signal: AbortSignal;
  /** Whose turns the jobs take; default: nobody's. */
  readonly caller?: string | undefined;
}

/**
 * Yields the tiles of every tensor sent, in the plan's order. After the signal aborts, no further tile is started
 * and the iteration throws the signal's reason, a LogahError.
 */
export async function* streamTiles(
  plan: StreamablePlan,
  embeddings: Float32Array,
  options: TileStreamOptions,
): AsyncGenerator<DecodedTile, void, undefined> {
  const ahead: Promise<readonly DecodedTile[]>[] = [];
  let unread: DecodedTile[] = [];
  const { fingerprint } = plan.bundle;
  const { signal, caller } = options;
  const buffers = options.buffers.enter(caller);
  const jobs = plannedJobs(plan, embeddings, options.range);
  let next = jobs.next();
  try {
    for (;;) {
      if (next.done !== true && ahead.length === 0 && !buffers.hasUrgentRoom()) await buffers.room(signal);
      // A stream that has had its turn may decode the job that it waits for; what lies ahead of that needs more room.
      const allowed = (): number => (buffers.hasRoom() ? options.tilesAhead : 1);
      while (next.done !== true && ahead.length < allowed() && !signal.aborted) {
        const decoding = decode(fingerprint, next.value, buffers, options);
        // An early failure is reported when its turn comes, not as an unhandled rejection.
        decoding.catch(() => undefined);
        ahead.push(decoding);
        next = jobs.next();
      }
      if (signal.aborted) throw abortError(signal);
      const decoding = ahead.shift();
      if (decoding === undefined) return;
      unread = [...(await decoding)];
      for (let tile = unread.shift(); tile !== undefined; tile = unread.shift()) yield tile;
    }
  } finally {
    releaseAll(unread);
    for (const decoding of ahead) decoding.then(releaseAll, () => undefined);
    buffers.leave();
  }
}

function releaseAll(tiles: readonly DecodedTile[]): void {
  for (const { release } of tiles) release();
}

/** The same tiles without the bytes that lie outside the range; ends with the range. */
export async function* cropTiles(
  tiles: AsyncIterable<DecodedTile>,
  { start, end }: DataRange,
): AsyncGenerator<DecodedTile, void, undefined> {
  let position: number | undefined;
  for await (const tile of tiles) {
    position ??= tile.tensor.offset;
    const first = Math.max(0, start - position);
    const last = Math.min(tile.bytes.length, end - position);
    position += tile.bytes.length;
    if (first >= last) tile.release();
    else yield { ...tile, bytes: tile.bytes.subarray(first, last) };
    if (position >= end) return;
  }
}

/** Decodes the tiles of one job into one buffer, which is given back when all of them are released. */
async function decode(
  model: string,
  { items, bytes }: PlannedJob,
  buffers: StreamBuffers,
  { pool, requestKey, signal, caller }: TileStreamOptions,
): Promise<readonly DecodedTile[]> {
  const buffer = buffers.take(bytes);
  const job: FillJob = { kind: 'fill', model, requestKey, items: items.map(({ item }) => item), buffer };
  const crc32 = await pool.decode(job, signal, caller).catch((error: unknown) => {
    buffers.give(buffer);
    throw error;
  });
  let held = items.length;
  const release = (): void => {
    if (--held === 0) buffers.give(buffer);
  };
  return items.map(({ tensor, item, bytes: length }, index) => ({
    tensor,
    bytes: new Uint8Array(buffer, item.at, length),
    crc32: crc32[index] as number,
    release,
  }));
}
