/** The order of the stages behind the plan, written once: embeddings -> tiles -> chunks. `planning.ts` has those before. */

import type { DecodePool } from '../decode/decode-pool';
import type { Bundles } from '../hypernet/bundle';
import { TILE_ELEMENTS } from '../plan/tile';
import { BufferPool } from '../stream/buffers';
import { ByteBoundedCache } from '../stream/byte-bounded-cache';
import { packChunks, type DataChunk } from '../stream/chunks';
import { TensorDigests, type TensorDigest } from '../stream/digests';
import { FramePool } from '../stream/frames';
import { KeptAnswers } from '../stream/kept-answers';
import { cropTiles, streamTiles } from '../stream/tile-stream';
import type { DataRange } from '../plan/data-range';
import { builtInModel } from '../starts';
import { unpackTensors } from './planning/packed-tensors';
import type { PlanHead, StreamedPlan } from './planning/planning-protocol';

const TILE_BYTES = TILE_ELEMENTS * 4;

/** Embeddings of a network of which nothing is predicted. */
const NOTHING = new Float32Array(0);

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
  /** Seconds that encoding took, of what has been read so far. */
  readonly encodeSeconds: () => number;
  readonly chunks: AsyncGenerator<DataChunk, void, undefined>;
  readonly digests: () => TensorDigest[];
}

/** Predicts what is planned; knows nothing of gRPC. */
export class PredictionService {
  readonly #options: PredictionServiceOptions;
  readonly #buffers: BufferPool;
  readonly #frames: FramePool;
  readonly #embeddings: ByteBoundedCache<Float32Array>;
  readonly #answers: KeptAnswers;

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
    const tiles = options.tileBytes / TILE_BYTES;
    this.#buffers = new BufferPool(AHEAD_SHARE * tiles, tiles);
    this.#frames = new FramePool(options.chunkBytes);
    this.#embeddings = new ByteBoundedCache(options.cacheBytes, (values) => values.byteLength);
    this.#answers = new KeptAnswers(options.cacheBytes);
  }

  /** Whether streams wait for memory that others hold. */
  get isPressed(): boolean {
    return this.#buffers.waiting > 0;
  }

  /** Encodes the graph and streams its tensors in chunks of `chunkBytes`. After the signal aborts, no further tile is started. */
  stream(head: PlanHead, plan: StreamedPlan, chunkBytes: number, signal: AbortSignal): DataStream {
    const { bundles, pool, tilesAhead } = this.#options;
    const { model, range, sha256, seed, lift, elementType, fingerprint, totalBytes } = head;
    const bundle = bundles.get(model) ?? builtInModel(model);
    if (bundle === undefined) throw new Error(`no model ${model} in this server`);
    const { requestKey } = plan;
    const embeddings = this.#embeddings;
    const buffers = this.#buffers;
    let encodeSeconds = 0;
    const decode = async function* (part: DataRange, until: AbortSignal) {
      const started = performance.now();
      const encoding =
        bundle.builtIn === true
          ? NOTHING
          : await embeddings.get(requestKey, () => pool.encode(model, plan.graph, until));
      encodeSeconds = (performance.now() - started) / 1000;
      const streamable = { bundle, seed, lift, elementType, tensors: unpackTensors(plan.tensors) };
      const settings = { pool, buffers, tilesAhead, requestKey, range: part, signal: until };
      yield* streamTiles(streamable, encoding, settings);
    };
    const whole = { start: 0, end: totalBytes };
    // What every rank of a job asks for, and what is small.
    const kept = plan.hasCores
      ? this.#answers.tiles(fingerprint, totalBytes, range, signal, (until) => decode(whole, until))
      : undefined;
    const tiles = kept ?? decode(range, signal);
    const digests = new TensorDigests(sha256);
    return {
      encodeSeconds: () => encodeSeconds,
      // The tensor at which the range starts is decoded from its beginning, so that its digests are whole.
      chunks: packChunks(cropTiles(digests.through(tiles), range), chunkBytes, this.#frames, range.start),
      digests: () => digests.finish(),
    };
  }
}
