/** Products of factors on the caller's machine, with ONNX Runtime: the same kernel that the server uses. */

import { Root } from 'protobufjs';
import { disableRuntimeTelemetry } from '../../config';

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

/** Values of ONNX's enumerations, and the versions that the server's bundles use. */
const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const IR_VERSION = 9;
const OPSET = 20;

/** The part of `onnx.proto` that a single product needs; field numbers are those of the ONNX repository. */
const onnx = Root.fromJSON({
  nested: {
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        type: { type: 'int32', id: 20 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 },
      },
    },
    Dimension: { fields: { dimParam: { type: 'string', id: 2 } } },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 },
      },
    },
    OperatorSet: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 },
      },
    },
  },
});

/** The ONNX model of a · bᵀ, or of a · bᵀ + c with a row c. */
export function productModel(withBias = false): Uint8Array {
  const value = (name: string, ...dims: string[]): object => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimParam) => ({ dimParam })) } } },
  });
  const node = {
    input: withBias ? ['a', 'b', 'c'] : ['a', 'b'],
    output: ['product'],
    opType: 'Gemm',
    attribute: [{ name: 'transB', i: 1, type: INT_ATTRIBUTE }],
  };
  const graph = {
    node: [node],
    name: 'product',
    input: [value('a', 'M', 'R'), value('b', 'N', 'R'), ...(withBias ? [value('c', 'N')] : [])],
    output: [value('product', 'M', 'N')],
  };
  const model = { irVersion: IR_VERSION, graph, opsetImport: [{ domain: '', version: OPSET }] };
  return onnx.lookupType('Model').encode(model).finish();
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
  const product = await InferenceSession.create(productModel(), options);
  const sum = await InferenceSession.create(productModel(true), options);
  return {
    multiply: async (a, b, rank, out) => {
      const m = a.length / rank;
      const n = b.length / rank;
      const feeds = { a: new Tensor('float32', a, [m, rank]), b: new Tensor('float32', b, [n, rank]) };
      await product.run(feeds, { product: new Tensor('float32', out, [m, n]) });
    },
    affine: async (x, weight, bias, rank, out) => {
      const m = x.length / rank;
      const n = bias.length;
      const feeds = {
        a: new Tensor('float32', x, [m, rank]),
        b: new Tensor('float32', weight, [n, rank]),
        c: new Tensor('float32', bias, [n]),
      };
      await sum.run(feeds, { product: new Tensor('float32', out, [m, n]) });
    },
  };
}
