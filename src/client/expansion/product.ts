/** Products of factors on the caller's machine, with ONNX Runtime: the same kernel that the server uses. */

import { disableRuntimeTelemetry } from '../../config';
import { productModel } from '../../onnx-file/product-model';

/** Writes a · bᵀ, [m, n] row-major, into `out`; `a` is [m, rank], `b` is [n, rank]. */
export type Multiply = (a: Float32Array, b: Float32Array, rank: number, out: Float32Array) => Promise<void>;

/** Writes x · weightᵀ + bias, [m, n] row-major, into `out`; `x` is [m, rank], `weight` [n, rank] and `bias` [n]. */
export type Affine = (
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  rank: number,
  out: Float32Array,
) => Promise<void>;

/** What factors and cores are expanded with. */
export interface Kernels {
  readonly multiply: Multiply;
  readonly affine: Affine;
}

/**
 * Loads ONNX Runtime, which only clients that ask for factors need. Its usage data is switched off, by an environment
 * variable of this process.
 */
export async function createKernels(): Promise<Kernels> {
  disableRuntimeTelemetry();
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const options = {
    enableCpuMemArena: false,
    // More threads would wait for work by spinning, beside the one that receives.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  } as const;
  const products = await InferenceSession.create(productModel(), options);
  const sums = await InferenceSession.create(productModel(true), options);
  return {
    multiply: (factor, b, rank, product) =>
      byTwoRows(factor, product, rank, async (a, out) => {
        const m = a.length / rank;
        const n = b.length / rank;
        const feeds = { a: new Tensor('float32', a, [m, rank]), b: new Tensor('float32', b, [n, rank]) };
        await products.run(feeds, { product: new Tensor('float32', out, [m, n]) });
      }),
    affine: (x, weight, bias, rank, sum) =>
      byTwoRows(x, sum, rank, async (a, out) => {
        const m = a.length / rank;
        const n = bias.length;
        const feeds = {
          a: new Tensor('float32', a, [m, rank]),
          b: new Tensor('float32', weight, [n, rank]),
          c: new Tensor('float32', bias, [n]),
        };
        await sums.run(feeds, { product: new Tensor('float32', out, [m, n]) });
      }),
  };
}

/** A product of a single row takes another kernel, whose last bits differ: it is computed twice. */
async function byTwoRows(
  rows: Float32Array,
  out: Float32Array,
  width: number,
  compute: (rows: Float32Array, out: Float32Array) => Promise<void>,
): Promise<void> {
  if (rows.length > width) return compute(rows, out);
  const twice = new Float32Array(2 * width);
  twice.set(rows);
  twice.set(rows, width);
  const both = new Float32Array(2 * out.length);
  await compute(twice, both);
  out.set(both.subarray(0, out.length));
}
