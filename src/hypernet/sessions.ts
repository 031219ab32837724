/**
 * The ONNX sessions of one bundle: the only place that talks to ONNX Runtime.
 *
 * `run` of onnxruntime-node computes on the calling thread, so sessions live in worker threads. Calls on one
 * `BundleSessions` must not overlap.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { EncoderFeatures } from '../graph/features';
import { productModel } from '../onnx-file/product-model';
import { AffineLayer } from '../product/affine-layer';
import { LARGEST_RANK } from '../product/multiplier';
import type { Bundle } from './bundle';
import { graphFiles } from './required-files';

// Every error reaches us as an exception; the library's own lines on standard error would only repeat it.
env.logLevel = 'fatal';

/** Where ONNX Runtime computes. */
export type ExecutionProvider = 'cpu' | 'cuda';

/**
 * A provider, and for CUDA the index of the GPU. `runtimeProducts`: ONNX Runtime multiplies whatever the rank, as it does for CUDA
 * and for large ranks, which tests have no models of.
 */
export type Placement =
  | { readonly provider: 'cpu'; readonly runtimeProducts?: boolean }
  | { readonly provider: 'cuda'; readonly device: number };

/** Factors of a matrix A · Bᵀ, or the core rows that they are made of: all have `rank` columns and are row-major. */
export interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** A block that a node is decoded to, and the rows of its two cores that are wanted. */
export interface CoreRequest {
  /** [hid]. */
  readonly embedding: Float32Array;
  readonly slot: number;
  readonly rowsA: number;
  readonly rowsB: number;
}

/** A kernel's size (out, in, height, width). */
export type KernelSize = readonly [number, number, number, number];

/** The layer that makes factors of cores: weight [ck, rank] and bias [ck], and what multiplies with it. */
type Expansion =
  | AffineLayer
  | { readonly weight: Float32Array; readonly bias: Float32Array; readonly session: InferenceSession };

/**
 * Columns from which on a product sums its terms in the same blocks, however many columns there are: with fewer, ONNX
 * Runtime (MLAS) trades the width of its blocks for their length.
 */
const NARROWEST = 65;

/** Nodes that are decoded at a time, so that memory has a bound. */
const NODES_AT_A_TIME = 128;

/** The sessions of one bundle. */
export class BundleSessions {
  readonly #bundle: Bundle;
  readonly #sessions: ReadonlyMap<string, InferenceSession>;
  readonly #expansion: Expansion | undefined;
  /** Whether products are made by `src/product`, and `product` is not to be called. */
  readonly hasOwnProducts: boolean;

  private constructor(
    bundle: Bundle,
    sessions: ReadonlyMap<string, InferenceSession>,
    expansion: Expansion | undefined,
    hasOwnProducts: boolean,
  ) {
    this.#bundle = bundle;
    this.#sessions = sessions;
    this.#expansion = expansion;
    this.hasOwnProducts = hasOwnProducts;
  }

  /** Loads every file of the bundle. Rejects with ONNX Runtime's error where a file or the provider does not load. */
  static async open(bundle: Bundle, placement: Placement): Promise<BundleSessions> {
    const options: InferenceSession.SessionOptions = {
      executionProviders:
        placement.provider === 'cuda' ? [{ name: 'cuda', deviceId: placement.device }, 'cpu'] : ['cpu'],
      // One thread a worker: workers are the parallelism, and a second thread would only wait for the first.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      enableMemPattern: false,
      logSeverityLevel: 4,
    };
    const { decoder, rank } = bundle.manifest.hypernet;
    const hasOwnProducts =
      placement.provider === 'cpu' && placement.runtimeProducts !== true && rank <= LARGEST_RANK;
    const sessions = new Map<string, InferenceSession>();
    for (const file of bundle.builtIn === true ? [] : graphFiles(bundle.manifest)) {
      if (file === 'product.onnx' && hasOwnProducts) continue;
      // The arena keeps memory of every size that it has seen. What the decoder of factors needs is bounded by the
      // model, and fresh memory would cost it more than its arithmetic; tiles and encodings are as large as the network.
      const enableCpuMemArena = file === 'decoder.onnx' && decoder !== 'dense';
      const path = join(bundle.directory, file);
      sessions.set(file, await InferenceSession.create(path, { ...options, enableCpuMemArena }));
    }
    const expansion = await openExpansion(bundle, hasOwnProducts, { ...options, enableCpuMemArena: false });
    return new BundleSessions(bundle, sessions, expansion, hasOwnProducts);
  }

  /** Node embeddings [N, hid], row-major. */
  async encode(input: EncoderFeatures): Promise<Float32Array> {
    const nodes = input.nodeCount;
    const { distance } = input;
    const feeds: Record<string, Tensor> = {
      operation: new Tensor('int32', input.operation, [nodes]),
      shape: new Tensor('int32', input.shape, [nodes, 4]),
    };
    if (this.#bundle.manifest.version === 1) {
      const lengths = distance instanceof Int32Array ? distance : new Int32Array(distance);
      feeds.distance = new Tensor('int32', lengths, [nodes, nodes]);
    } else {
      const lengths = distance instanceof Uint8Array ? distance : new Uint8Array(distance);
      feeds.distance = new Tensor('uint8', lengths, [nodes, nodes]);
      feeds.edges_in = new Tensor('int32', input.edgesIn, [nodes]);
      feeds.edges_out = new Tensor('int32', input.edgesOut, [nodes]);
    }
    return floats(await this.#run('encoder.onnx', feeds), 'embedding');
  }

  /** Whether factors are made of cores here, by `cores` and `expanded`; older bundles make them at once, by `factors`. */
  get hasExpansion(): boolean {
    return this.#expansion !== undefined;
  }

  /** The core rows of many nodes. An element has the same bits whatever else is asked for. */
  async cores(requests: readonly CoreRequest[]): Promise<Factors[]> {
    const cores: Factors[] = [];
    if (this.#bundle.manifest.version === 1) {
      for (const request of requests) cores.push(await this.#coresOfOne(request));
      return cores;
    }
    for (let first = 0; first < requests.length; first += NODES_AT_A_TIME) {
      cores.push(...(await this.#coresOfMany(requests.slice(first, first + NODES_AT_A_TIME))));
    }
    return cores;
  }

  /**
   * Of the numbers that the expansion makes of each core row, `columns` from number `first` on: [rows, columns]. An element
   * has the same bits whatever else is asked for. Only for bundles with an expansion.
   */
  async expanded(cores: Float32Array, first: number, columns: number): Promise<Float32Array> {
    if (this.#expansion === undefined)
      throw new Error(`bundle ${this.#bundle.manifest.name} has no expansion`);
    if (this.#expansion instanceof AffineLayer) return this.#expansion.apply(cores, first, columns);
    const { rank } = this.#bundle.manifest.hypernet;
    const { session, weight, bias } = this.#expansion;
    const x = atLeastTwo(cores, rank);
    const outputs = await session.run({
      a: new Tensor('float32', x, [x.length / rank, rank]),
      b: new Tensor('float32', weight.subarray(first * rank, (first + columns) * rank), [columns, rank]),
      c: new Tensor('float32', bias.subarray(first, first + columns), [columns]),
    });
    return floats(outputs, 'product').subarray(0, (cores.length / rank) * columns);
  }

  /** The first `m` rows of A and `n` of B, for the embedding [hid] of a node. Only for bundles without an expansion. */
  async factors(embedding: Float32Array, slot: number, m: number, n: number): Promise<Factors> {
    const outputs = await this.#run('decoder.onnx', this.#factorFeeds(embedding, slot, m, n));
    return { a: floats(outputs, 'a'), b: floats(outputs, 'b') };
  }

  /**
   * a · bᵀ, [m, n] row-major; `a` is [m, rank], `b` is [n, rank]. An element has the same bits in any product of as many
   * columns or, where there are two or more, of others.
   */
  async product(a: Float32Array, b: Float32Array): Promise<Float32Array> {
    const { rank } = this.#bundle.manifest.hypernet;
    const [m, n] = [a.length / rank, b.length / rank];
    const rows = atLeastTwo(a, rank);
    // Memory of ours for the product would cost as much again: ONNX Runtime copies what lies in it.
    const outputs = await this.#run('product.onnx', {
      a: new Tensor('float32', rows, [rows.length / rank, rank]),
      b: new Tensor('float32', b, [n, rank]),
    });
    return floats(outputs, 'product').subarray(0, m * n);
  }

  /**
   * A dense decoder's kernel of `size`, row-major, for the embedding [hid] of a node. Out and in are at most those of
   * `max_shape`; a larger height or width is interpolated.
   */
  async denseKernel(embedding: Float32Array, size: KernelSize): Promise<Float32Array> {
    return floats(await this.#run('decoder.onnx', denseFeeds(embedding, size)), 'kernel');
  }

  /** A dense decoder's norm weights and biases [2, n], or its class bias [2, classes]. */
  async denseVector(embedding: Float32Array, output: 'vector' | 'class_bias'): Promise<Float32Array> {
    const feeds = { embedding: new Tensor('float32', embedding, [1, embedding.length]) };
    return floats(await this.#run('decoder_1d.onnx', feeds), output);
  }

  /** A dense decoder's classifier weight [classes, inputs], made of the kernel's every output channel. */
  async denseClassWeight(embedding: Float32Array, inputs: number): Promise<Float32Array> {
    const [channels] = this.#bundle.manifest.hypernet.max_shape;
    const kernel = await this.denseKernel(embedding, [channels, inputs, 1, 1]);
    const feeds = { kernel: new Tensor('float32', kernel, [channels, inputs, 1, 1]) };
    return floats(await this.#run('decoder_class.onnx', feeds), 'class_weight');
  }

  /** Frees the sessions; no other call may follow. */
  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
    if (!(this.#expansion instanceof AffineLayer)) await this.#expansion?.session.release();
  }

  async #coresOfOne({ embedding, slot, rowsA, rowsB }: CoreRequest): Promise<Factors> {
    const { ck, rank } = this.#bundle.manifest.hypernet;
    // The expanded rows are not wanted, so as few as have the same core.
    const fewest = (rows: number): number => Math.floor(((rows - 1) * ck) / rank) + 1;
    const feeds = this.#factorFeeds(embedding, slot, fewest(rowsA), fewest(rowsB));
    const outputs = await this.#run('decoder.onnx', feeds);
    return { a: floats(outputs, 'core_a'), b: floats(outputs, 'core_b') };
  }

  async #coresOfMany(requests: readonly CoreRequest[]): Promise<Factors[]> {
    const { hid, rank, slots } = this.#bundle.manifest.hypernet;
    const [rowsA, rowsB] = [mostOf(requests, 'rowsA', rank), mostOf(requests, 'rowsB', rank)];
    // A single row takes another kernel than several, whose last bits differ.
    const count = Math.max(2, requests.length);
    const embedding = new Float32Array(count * hid);
    requests.forEach((request, index) => {
      embedding.set(request.embedding, index * hid);
    });
    const feeds: Record<string, Tensor> = {
      embedding: new Tensor('float32', embedding, [count, hid]),
      core_rows_a: sizeOf(rowsA),
      core_rows_b: sizeOf(rowsB),
    };
    if (slots > 1) {
      const slot = new Int32Array(count);
      slot.set(requests.map((request) => request.slot));
      feeds.slot = new Tensor('int32', slot, [count]);
    }
    const outputs = await this.#run('decoder.onnx', feeds);
    const [a, b] = [floats(outputs, 'core_a'), floats(outputs, 'core_b')];
    return requests.map((request, index) => {
      const [startA, startB] = [index * rowsA * rank, index * rowsB * rank];
      return {
        a: a.subarray(startA, startA + request.rowsA * rank),
        b: b.subarray(startB, startB + request.rowsB * rank),
      };
    });
  }

  #factorFeeds(embedding: Float32Array, slot: number, m: number, n: number): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {
      embedding: new Tensor('float32', embedding, [1, embedding.length]),
      rows_a: sizeOf(m),
      rows_b: sizeOf(n),
    };
    if (this.#bundle.manifest.hypernet.slots > 1) {
      feeds.slot = new Tensor('int32', Int32Array.of(slot), [1]);
    }
    return feeds;
  }

  #session(file: string): InferenceSession {
    const session = this.#sessions.get(file);
    if (session === undefined)
      throw new Error(`bundle ${this.#bundle.manifest.name} has no session for ${file}`);
    return session;
  }

  #run(file: string, feeds: Record<string, Tensor>): Promise<InferenceSession.OnnxValueMapType> {
    return this.#session(file).run(feeds);
  }
}

function denseFeeds(embedding: Float32Array, size: KernelSize): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {
    embedding: new Tensor('float32', embedding, [1, embedding.length]),
  };
  for (const [index, name] of ['out', 'in', 'height', 'width'].entries()) {
    feeds[name] = sizeOf(size[index] as number);
  }
  return feeds;
}

async function openExpansion(
  { expansion, manifest, builtIn }: Bundle,
  hasOwnProducts: boolean,
  options: InferenceSession.SessionOptions,
): Promise<Expansion | undefined> {
  if (expansion === undefined || builtIn === true) return undefined;
  const content = await readFile(expansion.path);
  // The memory of a file that was read need not be aligned, though it is for one so large.
  const aligned = content.byteOffset % 4 === 0 ? content : Uint8Array.from(content);
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  const { ck, rank } = manifest.hypernet;
  const [weight, bias] = [values.subarray(0, ck * rank), values.subarray(ck * rank)];
  if (hasOwnProducts) return new AffineLayer(weight, bias, rank);
  return { weight, bias, session: await InferenceSession.create(productModel(true), options) };
}

/** The rows, and a second one like it where there is only one. */
function atLeastTwo(rows: Float32Array, width: number): Float32Array {
  if (rows.length > width) return rows;
  const twice = new Float32Array(2 * width);
  twice.set(rows);
  twice.set(rows, width);
  return twice;
}

/**
 * The most rows that are asked for, and enough for NARROWEST columns, or else all that there are, so that their bits do
 * not depend on their number.
 */
function mostOf(requests: readonly CoreRequest[], rows: 'rowsA' | 'rowsB', rank: number): number {
  const least = Math.min(rank, Math.ceil(NARROWEST / rank));
  return requests.reduce((most, request) => Math.max(most, request[rows]), least);
}

function sizeOf(value: number): Tensor {
  return new Tensor('int64', BigInt64Array.of(BigInt(value)), [1]);
}

function floats(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const values = outputs[name]?.data;
  if (!(values instanceof Float32Array)) throw new Error(`the model's output ${name} is not float32`);
  return values;
}
