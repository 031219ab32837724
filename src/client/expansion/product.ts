/** Products of factors on the caller's machine: with the same kernel as on the server, so that the bits are the same. */

import { availableParallelism } from 'node:os';
import { disableRuntimeTelemetry } from '../../config/runtime';
import { productModel } from '../../onnx-file/product-model';
import { AffineLayer } from '../../product/affine-layer';
import { LARGEST_RANK } from '../../product/multiplier';
import { multiplyInto } from '../../product/strips';
import { Scratch } from '../../scratch';
import type { ExpansionLayer } from './expansion';

/** a · bᵀ, [m, n] row-major, valid until the next; `a` is [m, rank], `b` is [n, rank]. */
export type Multiply = (a: Float32Array, b: Float32Array, rank: number) => Promise<Float32Array>;

/** Of x · weightᵀ + bias, `columns` numbers of each row from number `first` on; `x` is [*, rank]. */
export type Affine = (
  layer: ExpansionLayer,
  x: Float32Array,
  first: number,
  columns: number,
) => Promise<Float32Array>;

/** What factors and cores are expanded with. */
export interface Kernels {
  readonly multiply: Multiply;
  readonly affine: Affine;
}

/** More gain nothing: what is made must be read as well. */
const MOST_THREADS = 4;

/** Layers that are ready to be multiplied with. */
const layers = new WeakMap<ExpansionLayer, AffineLayer>();

/**
 * For factors of `rank` columns. Loads ONNX Runtime where it is faster, as it is on the server; its usage data is switched
 * off, by an environment variable of this process.
 */
export function createKernels(rank: number): Promise<Kernels> {
  return rank <= LARGEST_RANK ? Promise.resolve(ownKernels()) : runtimeKernels();
}

function ownKernels(): Kernels {
  const memory = new Scratch();
  return {
    multiply: (a, b, rank) => {
      const rows = a.length / rank;
      const product = memory.take((rows * b.length) / rank);
      const left = { values: a, at: (row: number): number => row, scale: 1 };
      multiplyInto(product, left, rows, { values: b, scale: 1 }, rank);
      return Promise.resolve(product);
    },
    affine: (layer, x, first, columns) => {
      let ready = layers.get(layer);
      if (ready === undefined) {
        ready = new AffineLayer(layer.weight, layer.bias, layer.expansion.rank);
        layers.set(layer, ready);
      }
      return Promise.resolve(ready.apply(x, first, columns));
    },
  };
}

async function runtimeKernels(): Promise<Kernels> {
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
    affine: async ({ expansion: { rank }, weight, bias }, x, first, columns) => {
      const a = atLeastTwo(x, rank);
      const b = weight.subarray(first * rank, (first + columns) * rank);
      const feeds = {
        a: new Tensor('float32', a, [a.length / rank, rank]),
        b: new Tensor('float32', b, [columns, rank]),
        c: new Tensor('float32', bias.subarray(first, first + columns), [columns]),
      };
      const { product } = await sums.run(feeds);
      return (product?.data as Float32Array).subarray(0, (x.length / rank) * columns);
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
