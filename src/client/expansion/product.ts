/** Products of factors on the caller's machine, with ONNX Runtime: the same kernel that the server uses. */

import { availableParallelism } from 'node:os';
import { disableRuntimeTelemetry } from '../../config/runtime';
import { productModel } from '../../onnx-file/product-model';

/** a · bᵀ, [m, n] row-major; `a` is [m, rank], `b` is [n, rank]. */
export type Multiply = (a: Float32Array, b: Float32Array, rank: number) => Promise<Float32Array>;

/** x · weightᵀ + bias, [m, n] row-major; `x` is [m, rank], `weight` [n, rank] and `bias` [n]. */
export type Affine = (
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  rank: number,
) => Promise<Float32Array>;

/** What factors and cores are expanded with. */
export interface Kernels {
  readonly multiply: Multiply;
  readonly affine: Affine;
}

/** More gain nothing: what is made must be read as well. */
const MOST_THREADS = 4;

/**
 * Loads ONNX Runtime, which only clients that ask for factors need. Its usage data is switched off, by an environment
 * variable of this process.
 */
export async function createKernels(): Promise<Kernels> {
  disableRuntimeTelemetry();
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const options = {
    enableCpuMemArena: false,
    intraOpNumThreads: Math.min(MOST_THREADS, availableParallelism()),
    interOpNumThreads: 1,
    // Threads that wait for work by spinning would do so beside the one that receives.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 4,
  } as const;
  const products = await InferenceSession.create(productModel(), options);
  const sums = await InferenceSession.create(productModel(true), options);
  // Memory of ours for the product would cost as much again: ONNX Runtime copies what lies in it.
  return {
    multiply: async (factor, b, rank) => {
      const a = atLeastTwo(factor, rank);
      const [m, n] = [a.length / rank, b.length / rank];
      const feeds = { a: new Tensor('float32', a, [m, rank]), b: new Tensor('float32', b, [n, rank]) };
      const { product } = await products.run(feeds);
      return (product?.data as Float32Array).subarray(0, (factor.length / rank) * n);
    },
    affine: async (x, weight, bias, rank) => {
      const a = atLeastTwo(x, rank);
      const [m, n] = [a.length / rank, bias.length];
      const feeds = {
        a: new Tensor('float32', a, [m, rank]),
        b: new Tensor('float32', weight, [n, rank]),
        c: new Tensor('float32', bias, [n]),
      };
      const { product } = await sums.run(feeds);
      return (product?.data as Float32Array).subarray(0, (x.length / rank) * n);
    },
  };
}

/** A product of a single row takes another kernel, whose last bits differ: it is computed twice. */
function atLeastTwo(rows: Float32Array, width: number): Float32Array {
  if (rows.length > width) return rows;
  const twice = new Float32Array(2 * width);
  twice.set(rows);
  twice.set(rows, width);
  return twice;
}
