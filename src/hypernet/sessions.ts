/**
 * The ONNX sessions of one bundle: the only place that talks to ONNX Runtime.
 *
 * `run` of onnxruntime-node computes on the calling thread, so sessions live in worker threads. Calls on one
 * `BundleSessions` must not overlap.
 */

import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { EncoderFeatures } from '../graph/features';
import type { Bundle } from './bundle';
import { requiredFiles } from './required-files';

// Every error reaches us as an exception; the library's own lines on standard error would only repeat it.
env.logLevel = 'fatal';

/** Where ONNX Runtime computes. */
export type ExecutionProvider = 'cpu' | 'cuda';

/** A provider, and for CUDA the index of the GPU. */
export type Placement = { readonly provider: 'cpu' } | { readonly provider: 'cuda'; readonly device: number };

/** Factors of a matrix A · Bᵀ: `a` is [m, rank], `b` is [n, rank], both row-major. */
export interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** A kernel's size (out, in, height, width). */
export type KernelSize = readonly [number, number, number, number];

/** The sessions of one bundle. */
export class BundleSessions {
  readonly #bundle: Bundle;
  readonly #sessions: ReadonlyMap<string, InferenceSession>;

  private constructor(bundle: Bundle, sessions: ReadonlyMap<string, InferenceSession>) {
    this.#bundle = bundle;
    this.#sessions = sessions;
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
    const { decoder } = bundle.manifest.hypernet;
    const sessions = new Map<string, InferenceSession>();
    for (const file of bundle.builtIn === true ? [] : requiredFiles(decoder)) {
      // The arena keeps memory of every size that it has seen. What the decoder of factors needs is bounded by the
      // model, and fresh memory would cost it more than its arithmetic; tiles and encodings are as large as the network.
      const enableCpuMemArena = file === 'decoder.onnx' && decoder !== 'dense';
      const path = join(bundle.directory, file);
      sessions.set(file, await InferenceSession.create(path, { ...options, enableCpuMemArena }));
    }
    return new BundleSessions(bundle, sessions);
  }

  /** Node embeddings [N, hid], row-major. */
  async encode(input: EncoderFeatures): Promise<Float32Array> {
    const nodes = input.nodeCount;
    const output = await this.#run('encoder.onnx', {
      operation: new Tensor('int32', input.operation, [nodes]),
      shape: new Tensor('int32', input.shape, [nodes, 4]),
      distance: new Tensor('int32', input.distance, [nodes, nodes]),
    });
    return floats(output, 'embedding');
  }

  /** Writes the first rows of A and of B, as many as `factors` has room for, for the embedding [hid] of a node. */
  async factors(embedding: Float32Array, slot: number, { a, b }: Factors): Promise<void> {
    const { rank } = this.#bundle.manifest.hypernet;
    const m = a.length / rank;
    const n = b.length / rank;
    await this.#session('decoder.onnx').run(this.#decoderFeeds(embedding, slot, m, n), {
      a: new Tensor('float32', a, [m, rank]),
      b: new Tensor('float32', b, [n, rank]),
    });
  }

  /**
   * The core rows, each of `rank` numbers, that the first `m` rows of A and `n` of B are made of, for the embedding [hid]
   * of a node. Only for bundles with an expansion.
   */
  async cores(embedding: Float32Array, slot: number, m: number, n: number): Promise<Factors> {
    const output = await this.#run('decoder.onnx', this.#decoderFeeds(embedding, slot, m, n));
    return { a: floats(output, 'core_a'), b: floats(output, 'core_b') };
  }

  /** Writes a · bᵀ, [m, n] row-major, into `out`; `a` is [m, rank], `b` is [n, rank]. */
  async product(a: Float32Array, b: Float32Array, out: Float32Array): Promise<void> {
    const { rank } = this.#bundle.manifest.hypernet;
    const m = a.length / rank;
    const n = b.length / rank;
    const feeds = { a: new Tensor('float32', a, [m, rank]), b: new Tensor('float32', b, [n, rank]) };
    await this.#session('product.onnx').run(feeds, { product: new Tensor('float32', out, [m, n]) });
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
  }

  #decoderFeeds(embedding: Float32Array, slot: number, m: number, n: number): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {
      embedding: new Tensor('float32', embedding, [1, embedding.length]),
      rows_a: new Tensor('int64', BigInt64Array.of(BigInt(m)), [1]),
      rows_b: new Tensor('int64', BigInt64Array.of(BigInt(n)), [1]),
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
    feeds[name] = new Tensor('int64', BigInt64Array.of(BigInt(size[index] as number)), [1]);
  }
  return feeds;
}

function floats(outputs: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const values = outputs[name]?.data;
  if (!(values instanceof Float32Array)) throw new Error(`the model's output ${name} is not float32`);
  return values;
}
