/** The order of the stages behind the plan, written once: embeddings -> tiles -> chunks. `planning.ts` has those before. */

import { TILE_ELEMENTS } from '../plan/tile';
import { AskedBefore } from '../stream/asked-before';
import { BufferPool } from '../stream/buffers';
import { ByteBoundedCache } from '../stream/byte-bounded-cache';
import { packChunks, type DataChunk } from '../stream/chunks';
import { TensorDigests, type TensorDigest } from '../stream/digests';
import { FramePool } from '../stream/frames';
import { KeptAnswers } from '../stream/kept-answers';
import { inspectTensors, type Inspection, type InspectionSettings } from '../stream/inspections';
import { cropTiles, streamTiles } from '../stream/tile-stream';
import type { DataRange } from '../plan/data-range';
import type { ServedModel } from './models/model-set';
import { unpackTensors } from './planning/packed-tensors';
import type { PlanHead, StreamedPlan } from './planning/planning-protocol';

const TILE_BYTES = TILE_ELEMENTS * 4;

/** Embeddings of a network of which nothing is predicted. */
const NOTHING = new Float32Array(0);

/** Of the memory for tiles, what may be decoded ahead of readers. */
const AHEAD_SHARE = 2 / 3;

/** What a kept answer holds of each tensor besides its bytes: its plan, and where its blocks lie. */
const KEPT_TENSOR_BYTES = 2048;

/** What the service works with. */
export interface PredictionServiceOptions {
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

/** Figures of a service. */
export interface ServiceUsage {
  /** Bytes of tiles that are decoded or being decoded. */
  readonly tileBytes: number;
  /** Streams that wait for memory for a tile. */
  readonly waitingStreams: number;
  /** Requests to the caches since the server started. */
  readonly caches: Readonly<Record<string, { readonly hit: number; readonly miss: number }>>;
}

/** Predicts what is planned, with whichever model, or looks at it; knows nothing of gRPC. */
export class PredictionService {
  readonly #options: PredictionServiceOptions;
  readonly #buffers: BufferPool;
  readonly #frames: FramePool;
  readonly #embeddings: ByteBoundedCache<Float32Array>;
  /** Of cores, and of elements that are few and were asked for before. */
  readonly #cores: KeptAnswers;
  readonly #elements: KeptAnswers;
  readonly #asked = new AskedBefore();

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
    const tiles = options.tileBytes / TILE_BYTES;
    this.#buffers = new BufferPool(AHEAD_SHARE * tiles, tiles);
    this.#frames = new FramePool(options.chunkBytes);
    this.#embeddings = new ByteBoundedCache(options.cacheBytes, (values) => values.byteLength);
    this.#cores = new KeptAnswers(options.cacheBytes);
    this.#elements = new KeptAnswers(options.cacheBytes);
  }

  /** Whether streams wait for memory that others hold. */
  get isPressed(): boolean {
    return this.#buffers.waiting > 0;
  }

  /** What its memory is used for. */
  get usage(): ServiceUsage {
    return {
      tileBytes: this.#buffers.bytesInUse,
      waitingStreams: this.#buffers.waiting,
      caches: { embeddings: this.#embeddings.requests, answers: this.#answerRequests },
    };
  }

  get #answerRequests(): { readonly hit: number; readonly miss: number } {
    const [cores, elements] = [this.#cores.requests, this.#elements.requests];
    return { hit: cores.hit + elements.hit, miss: cores.miss + elements.miss };
  }

  /** Encodes the graph and looks at its tensors, in turn with other callers. After the signal aborts, no further tile is started. */
  async *inspect(
    model: ServedModel,
    head: PlanHead,
    plan: StreamedPlan,
    settings: InspectionSettings,
    signal: AbortSignal,
    caller: string,
  ): AsyncGenerator<Inspection, void, undefined> {
    const { tilesAhead } = this.#options;
    const { seed, lift, elementType } = head;
    const { bundle, pool } = model;
    const { requestKey } = plan;
    const encode = (): Promise<Float32Array> => pool.encode(bundle.fingerprint, plan.graph, signal, caller);
    const encoding = bundle.builtIn === true ? NOTHING : await this.#embeddings.get(requestKey, encode);
    const inspectable = { bundle, seed, lift, elementType, tensors: unpackTensors(plan.tensors) };
    yield* inspectTensors(inspectable, encoding, settings, { pool, tilesAhead, requestKey, signal, caller });
  }

  /** Encodes the graph and streams its tensors in chunks of `chunkBytes`, in turn with other callers. After the signal aborts, no further tile is started. */
  stream(
    model: ServedModel,
    head: PlanHead,
    plan: StreamedPlan,
    chunkBytes: number,
    signal: AbortSignal,
    caller: string,
  ): DataStream {
    const { tilesAhead } = this.#options;
    const { range, sha256, seed, lift, elementType, fingerprint, totalBytes } = head;
    const { bundle, pool } = model;
    const { requestKey } = plan;
    const embeddings = this.#embeddings;
    const buffers = this.#buffers;
    let encodeSeconds = 0;
    const decode = async function* (part: DataRange, until: AbortSignal) {
      // Others may read on what one caller had decoded.
      const release = model.hold();
      try {
        const started = performance.now();
        const encode = (): Promise<Float32Array> =>
          pool.encode(bundle.fingerprint, plan.graph, until, caller);
        const encoding = bundle.builtIn === true ? NOTHING : await embeddings.get(requestKey, encode);
        encodeSeconds = (performance.now() - started) / 1000;
        const streamable = { bundle, seed, lift, elementType, tensors: unpackTensors(plan.tensors) };
        const settings = { pool, buffers, tilesAhead, requestKey, range: part, signal: until, caller };
        yield* streamTiles(streamable, encoding, settings);
      } finally {
        release();
      }
    };
    const whole = { start: 0, end: totalBytes };
    const keptBytes = totalBytes + head.tensors * KEPT_TENSOR_BYTES;
    // What every rank of a job asks for, and what is small.
    const answers = this.#answersOf(head, plan);
    const kept = answers?.tiles(fingerprint, keptBytes, range, signal, (until) => decode(whole, until));
    const tiles = kept ?? decode(range, signal);
    const digests = new TensorDigests(sha256);
    return {
      encodeSeconds: () => encodeSeconds,
      // The tensor at which the range starts is decoded from its beginning, so that its digests are whole.
      chunks: packChunks(cropTiles(digests.through(tiles), range), chunkBytes, this.#frames, range.start),
      digests: () => digests.finish(),
    };
  }

  /** Where the answer is looked for, and kept; undefined: nowhere. */
  #answersOf(
    { fingerprint, range, totalBytes }: PlanHead,
    { hasCores }: StreamedPlan,
  ): KeptAnswers | undefined {
    if (hasCores) return this.#cores;
    const isWhole = range.start === 0 && range.end === totalBytes;
    if (!isWhole || totalBytes > this.#options.cacheBytes) return undefined;
    return this.#asked.again(fingerprint) ? this.#elements : undefined;
  }
}
