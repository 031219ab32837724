/** The order of the stages behind the plan, written once: embeddings -> tiles -> chunks. `planning.ts` has those before. */

import type { DecodePool } from '../decode/decode-pool';
import type { Bundles } from '../hypernet/bundle';
import { TILE_ELEMENTS } from '../plan/tile';
import { BufferPool } from '../stream/buffers';
import { ByteBoundedCache } from '../stream/byte-bounded-cache';
import { packChunks, type DataChunk } from '../stream/chunks';
import { TensorDigests, type TensorDigest } from '../stream/digests';
import { FramePool } from '../stream/frames';
import { cropTiles, streamTiles } from '../stream/tile-stream';
import { unpackTensors } from './packed-tensors';
import type { PlanHead, StreamedPlan } from './planning-protocol';

const TILE_BYTES = TILE_ELEMENTS * 4;

/** Of the memory for tiles, what may be decoded ahead of readers. */
const AHEAD_SHARE = 2 / 3;

/** What the service works with. */
export interface PredictionServiceOptions {
  readonly bundles: Bundles;
  readonly pool: DecodePool;
  readonly tilesAhead: number;
  readonly cacheBytes: number;
  /** Memory for tiles and for chunks, of all streams together. */
  readonly tileBytes: number;
  readonly chunkBytes: number;
}

/** A stream of data, and the digests once it has ended. */
export interface DataStream {
  readonly encodeSeconds: number;
  readonly chunks: AsyncGenerator<DataChunk, void, undefined>;
  readonly digests: () => TensorDigest[];
}

/** Predicts what is planned; knows nothing of gRPC. */
export class PredictionService {
  readonly #options: PredictionServiceOptions;
  readonly #buffers: BufferPool;
  readonly #frames: FramePool;
  readonly #embeddings: ByteBoundedCache<Float32Array>;

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
    const tiles = options.tileBytes / TILE_BYTES;
    this.#buffers = new BufferPool(AHEAD_SHARE * tiles, tiles);
    this.#frames = new FramePool(options.chunkBytes);
    this.#embeddings = new ByteBoundedCache(options.cacheBytes, (values) => values.byteLength);
  }

  /** Whether streams wait for memory that others hold. */
  get isPressed(): boolean {
    return this.#buffers.waiting > 0;
  }

  /**
   * Encodes the graph and starts to stream its tensors in chunks of `chunkBytes`. After the signal aborts, no further
   * tile is started.
   */
  async stream(
    head: PlanHead,
    plan: StreamedPlan,
    chunkBytes: number,
    signal: AbortSignal,
  ): Promise<DataStream> {
    const { bundles, pool, tilesAhead } = this.#options;
    const { model, range, sha256, seed, lift, elementType } = head;
    const bundle = bundles.get(model);
    if (bundle === undefined) throw new Error(`no model ${model} in this server`);
    const { requestKey } = plan;
    const started = performance.now();
    const embeddings = await this.#embeddings.get(requestKey, () => pool.encode(model, plan.graph, signal));
    const encodeSeconds = (performance.now() - started) / 1000;
    const digests = new TensorDigests(sha256);
    const streamable = { bundle, seed, lift, elementType, tensors: unpackTensors(plan.tensors) };
    const tiles = streamTiles(streamable, embeddings, {
      pool,
      buffers: this.#buffers,
      tilesAhead,
      requestKey,
      range,
      signal,
    });
    return {
      encodeSeconds,
      // The tensor at which the range starts is decoded from its beginning, so that its digests are whole.
      chunks: packChunks(cropTiles(digests.through(tiles), range), chunkBytes, this.#frames, range.start),
      digests: () => digests.finish(),
    };
  }
}
