/** The order of the stages, written once: request -> architecture -> plan -> embeddings -> tiles -> chunks. */

import { readNetwork } from '../architecture';
import { invalidField } from '../errors';
import type { PlanRequest__Output } from '../gen/logah/v1/PlanRequest';
import type { PredictRequest__Output } from '../gen/logah/v1/PredictRequest';
import { graphHash } from '../graph/canonical';
import type { GraphLimits } from '../graph/limits';
import { BufferPool } from '../stream/buffers';
import { ByteBoundedCache } from '../stream/byte-bounded-cache';
import { packChunks, type DataChunk } from '../stream/chunks';
import { dataRange, type DataRange } from '../plan/data-range';
import { FramePool } from '../stream/frames';
import type { DecodePool } from '../decode/decode-pool';
import { TensorDigests, type TensorDigest } from '../stream/digests';
import { encodedGraph, planPrediction, type PredictionPlan } from '../plan/plan';
import { KeptAnswers } from '../stream/kept-answers';
import { cropTiles, streamTiles } from '../stream/tile-stream';
import { chooseWidening } from '../plan/widening-choice';
import { knownNetwork } from './known-operations';
import type { ModelChoice } from './model-choice';
import { throwIfRefused } from './request-parts';
import { readOptions, type AnswerOptions } from './request';

/**
 * Streams at a time whose tiles' memory is kept for others. What is not kept is garbage that the collector, which sees
 * few objects, leaves lying for long.
 */
const KEPT_STREAMS = 16;

/** Memory for chunks that is kept for others: for as many streams, with what each may hand to the network. */
const KEPT_FRAME_BYTES = KEPT_STREAMS * 3 * 2 ** 20;

/** What the service works with. */
export interface PredictionServiceOptions {
  readonly models: ModelChoice;
  readonly pool: DecodePool;
  readonly limits: GraphLimits;
  readonly tilesAhead: number;
  readonly cacheBytes: number;
  readonly maxStreams: number;
}

/** A planned request, ready to stream. */
export interface PreparedPrediction {
  readonly plan: PredictionPlan;
  readonly options: AnswerOptions;
  /** The part of the plan's data that is wanted. */
  readonly range: DataRange;
}

/** A stream of data, and the digests once it has ended. */
export interface DataStream {
  /** 0 where nothing had to be encoded; known once the first chunk has come. */
  readonly encodeSeconds: () => number;
  readonly chunks: AsyncGenerator<DataChunk, void, undefined>;
  readonly digests: () => TensorDigest[];
}

/** Plans and predicts; knows nothing of gRPC. */
export class PredictionService {
  readonly #options: PredictionServiceOptions;
  readonly #buffers: BufferPool;
  readonly #frames = new FramePool(KEPT_FRAME_BYTES);
  readonly #embeddings: ByteBoundedCache<Float32Array>;
  readonly #answers: KeptAnswers;

  constructor(options: PredictionServiceOptions) {
    this.#options = options;
    this.#buffers = new BufferPool(options.tilesAhead * KEPT_STREAMS);
    this.#embeddings = new ByteBoundedCache(options.cacheBytes, (values) => values.byteLength);
    this.#answers = new KeptAnswers(options.cacheBytes);
  }

  /** Throws LogahError where the request is wrong; see `docs/architecture.md` for the status of each stage. */
  plan(request: PredictRequest__Output): PreparedPrediction {
    throwIfRefused(request);
    const options = readOptions(request);
    const { limits, models } = this.#options;
    const network = readNetwork(request.architecture, limits);
    const { graph } = network;
    const bundle = models.choose(request.model, graph.family);
    const known = knownNetwork(
      graph,
      chooseWidening(network, bundle.manifest, options.copies),
      { source: request.architecture, strict: options.strict },
      bundle,
      models.bundles,
    );
    const plan = planPrediction(known.graph, bundle, options, known.choice, known.warnings);
    return { plan, options, range: dataRange(options.resume, plan.fingerprint, plan.totalBytes) };
  }

  /** The plan of a request for a plan alone. Throws LogahError where it holds none. */
  planOnly(request: PlanRequest__Output): PreparedPrediction {
    throwIfRefused(request);
    if (request.request === null) throw invalidField('request', 'is missing');
    return this.plan(request.request);
  }

  /** Encodes the graph and starts to stream its tensors. After the signal aborts, no further tile is started. */
  stream(prepared: PreparedPrediction, signal: AbortSignal): DataStream {
    const { plan, options, range } = prepared;
    const { pool, tilesAhead } = this.#options;
    const { name } = plan.bundle.manifest;
    const encoded = encodedGraph(plan);
    const requestKey = `${plan.bundle.fingerprint}/${graphHash(encoded)}`;
    let encodeSeconds = 0;
    const embeddings = this.#embeddings;
    const buffers = this.#buffers;
    const decode = async function* (part: DataRange, until: AbortSignal) {
      const started = performance.now();
      const encoding = await embeddings.get(requestKey, () => pool.encode(name, encoded, until));
      encodeSeconds = (performance.now() - started) / 1000;
      const settings = { pool, buffers, tilesAhead, requestKey, range: part, signal: until };
      yield* streamTiles(plan, encoding, settings);
    };
    const whole = { start: 0, end: plan.totalBytes };
    // What every rank of a job asks for, and what is small.
    const kept = plan.tensors.some(({ core }) => core !== undefined)
      ? this.#answers.tiles(plan.fingerprint, plan.totalBytes, range, signal, (until) => decode(whole, until))
      : undefined;
    const tiles = kept ?? decode(range, signal);
    const digests = new TensorDigests(options.sha256);
    return {
      encodeSeconds: () => encodeSeconds,
      // The tensor at which the range starts is decoded from its beginning, so that its digests are whole.
      chunks: packChunks(
        cropTiles(digests.through(tiles), range),
        options.chunkBytes,
        this.#frames,
        range.start,
      ),
      digests: () => digests.finish(),
    };
  }
}
