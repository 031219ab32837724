/** Decodes a plan's tensors tile by tile, in order, a bounded number of tiles ahead of whoever reads them. */

import { abortError } from '../errors';
import type { BufferPool } from './buffers';
import type { TilePart } from './tile-part';
import type { DataRange } from './data-range';
import type { DecodePool } from './decode-pool';
import { bytesPerElement } from '../element-type';
import type { FactorPiece } from './factors';
import type { PlannedTensor, PredictionPlan } from './plan';
import { streamKey } from './random';
import { sentPart, tilesOf, type Tile } from './tile';
import type { BufferJob, FactorsJob, TileJob } from './worker-protocol';

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
  /** Tiles that may be decoded or decoding before the reader asks for them, as long as `buffers` has room. */
  readonly tilesAhead: number;
  /** Tells requests apart; unique in this process. */
  readonly requestKey: string;
  /** The part of the plan's data that is wanted: tensors outside it are left out, those at its ends are whole. */
  readonly range: DataRange;
  readonly signal: AbortSignal;
}

/**
 * Yields the tiles of every tensor sent, in the plan's order. After the signal aborts, no further tile is started
 * and the iteration throws the signal's reason, a LogahError.
 */
export async function* streamTiles(
  plan: PredictionPlan,
  embeddings: Float32Array,
  options: TileStreamOptions,
): AsyncGenerator<DecodedTile, void, undefined> {
  const ahead: Promise<DecodedTile>[] = [];
  const jobs = tileJobs(plan, embeddings, options);
  try {
    for (;;) {
      while (ahead.length < tilesAllowed(options) && !options.signal.aborted) {
        const next = jobs.next();
        if (next.done === true) break;
        const decoding = decode(next.value, options);
        // An early failure is reported when its turn comes, not as an unhandled rejection.
        decoding.catch(() => undefined);
        ahead.push(decoding);
      }
      if (options.signal.aborted) throw abortError(options.signal);
      const tile = ahead.shift();
      if (tile === undefined) return;
      yield await tile;
    }
  } finally {
    for (const tile of ahead) {
      tile.then(
        ({ release }) => {
          release();
        },
        () => undefined,
      );
    }
  }
}

/** Every stream may decode the tile that it waits for; what lies ahead of that is bounded over all streams together. */
function tilesAllowed({ buffers, tilesAhead }: TileStreamOptions): number {
  return buffers.hasRoom ? tilesAhead : 1;
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

interface PlannedTile {
  readonly tensor: PlannedTensor;
  readonly job: BufferJob;
  readonly bytes: number;
}

async function decode(planned: PlannedTile, options: TileStreamOptions): Promise<DecodedTile> {
  const { buffer } = planned.job;
  const crc32 = await options.pool.decode(planned.job, options.signal).catch((error: unknown) => {
    options.buffers.give(buffer);
    throw error;
  });
  return {
    tensor: planned.tensor,
    bytes: new Uint8Array(buffer, 0, planned.bytes),
    crc32,
    release: () => {
      options.buffers.give(buffer);
    },
  };
}

function* tileJobs(
  plan: PredictionPlan,
  embeddings: Float32Array,
  options: TileStreamOptions,
): Generator<PlannedTile> {
  const { hid } = plan.bundle.manifest.hypernet;
  const { start, end } = options.range;
  for (const tensor of plan.tensors) {
    if (!tensor.sent || tensor.offset + tensor.bytes <= start || tensor.offset >= end) continue;
    if (tensor.factors !== undefined) {
      yield {
        tensor,
        job: factorsJob(plan, tensor, tensor.factors, embeddings, options),
        bytes: tensor.bytes,
      };
      continue;
    }
    const { columns } = tensor.view;
    const stream = streamKey(plan.seed, tensor.name);
    for (const tile of tilesOf(tensor)) {
      const wanted = sentPart(tensor, tile);
      const bytes = wanted.rows * wanted.columns * bytesPerElement(plan.elementType);
      const job: TileJob = {
        kind: 'tile',
        model: plan.bundle.manifest.name,
        requestKey: options.requestKey,
        stream,
        elementType: plan.elementType,
        rows: tile.rows,
        columns,
        parts: partsOf(tensor, tile, embeddings, hid),
        wanted,
        buffer: options.buffers.take(bytes),
      };
      yield { tensor, job, bytes };
    }
  }
}

function factorsJob(
  plan: PredictionPlan,
  tensor: PlannedTensor,
  factors: readonly FactorPiece[],
  embeddings: Float32Array,
  options: TileStreamOptions,
): FactorsJob {
  const { name, hypernet } = plan.bundle.manifest;
  const blocks = factors.map(({ recipe: { node, slot, m, n, scale } }) => {
    const embedding = embeddings.slice(node * hypernet.hid, (node + 1) * hypernet.hid);
    return { embedding, slot, m, n, scale };
  });
  return { kind: 'factors', model: name, blocks, buffer: options.buffers.take(tensor.bytes) };
}

/** The parts of a tensor's pieces that lie within a tile. */
export function partsOf(
  tensor: PlannedTensor,
  tile: Tile,
  embeddings: Float32Array,
  hid: number,
): TilePart[] {
  const parts: TilePart[] = [];
  for (const { recipe, row, rows, column, columns } of tensor.pieces) {
    const first = Math.max(row, tile.row);
    const last = Math.min(row + rows, tile.row + tile.rows);
    if (first >= last) continue;
    parts.push({
      recipe,
      row: first - tile.row,
      column,
      rows: last - first,
      columns,
      pieceRow: first - row,
      element: first * tensor.view.columns + column,
      embedding:
        recipe.kind === 'fill'
          ? new Float32Array(0)
          : embeddings.slice(recipe.node * hid, (recipe.node + 1) * hid),
    });
  }
  return parts;
}
