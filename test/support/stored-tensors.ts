/** A network of tensors that are stored otherwise than their framework has them. */

import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { Parameter } from '../../src/gen/logah/v1/Parameter';

export interface Stored {
  readonly name: string;
  /** Of the framework's tensor. */
  readonly shape: readonly number[];
  readonly order: readonly number[];
  /** Of the file, where it is not the framework's in that order. */
  readonly stored?: readonly number[];
  readonly role?: 'ROLE_BIAS' | 'ROLE_NORM_WEIGHT';
  /** Parts along the first dimension of the framework's tensor. */
  readonly blocks?: number;
}

/** Wider than the bundle's largest shape of 256, fused, of one row or column, kernels, and vectors of several dimensions. */
export const TENSORS: readonly Stored[] = [
  { name: 'square', shape: [96, 96], order: [1, 0] },
  { name: 'wide', shape: [300, 200], order: [1, 0] },
  { name: 'fused', shape: [288, 96], order: [1, 0], blocks: 3 },
  { name: 'one-out', shape: [1, 40], order: [1, 0] },
  { name: 'one-in', shape: [40, 1], order: [1, 0] },
  { name: 'huge', shape: [1500, 900], order: [1, 0] },
  { name: 'heads', shape: [96, 60], order: [1, 2, 0], stored: [60, 12, 8] },
  { name: 'from-heads', shape: [60, 96], order: [2, 0, 1], stored: [12, 8, 60] },
  { name: 'kernel', shape: [40, 12, 3, 5], order: [3, 2, 0, 1] },
  { name: 'wide-kernel', shape: [150, 140, 3, 3], order: [3, 2, 0, 1] },
  { name: 'depthwise', shape: [24, 1, 3, 3], order: [3, 2, 0, 1] },
  { name: 'bias', shape: [80], order: [0, 1], stored: [1, 80], role: 'ROLE_BIAS' },
  { name: 'scale', shape: [80], order: [0, 1, 2], stored: [80, 1, 1], role: 'ROLE_NORM_WEIGHT' },
  { name: 'heads-bias', shape: [48], order: [0, 1], stored: [6, 8], role: 'ROLE_BIAS' },
];

const inverse = (order: readonly number[]): number[] => order.map((_, axis) => order.indexOf(axis));

export const storedShape = ({ shape, order, stored }: Stored): readonly number[] =>
  stored ?? inverse(order).map((at) => shape[at] ?? 1);

/** The stored dimension that holds the framework's first, in full or its slowest part. */
const outputs = ({ order }: Stored): number => order[0] ?? 0;

function parameter(tensor: Stored, node: number, asFramework: boolean): Parameter {
  const { name, shape, order, role = 'ROLE_MATRIX', blocks = 1 } = tensor;
  const prediction = (slot: number): object => ({ node, role, slot });
  const axis = asFramework ? 0 : blocks > 1 ? outputs(tensor) : 0;
  const size = (asFramework ? shape : storedShape(tensor))[axis] ?? 1;
  const parts = Array.from({ length: blocks }, (_, slot) => ({
    length: size / blocks,
    prediction: prediction(slot),
  }));
  if (asFramework) return { name, shape: [...shape], axis, blocks: parts };
  return {
    name,
    shape: [...storedShape(tensor)],
    axis,
    blocks: parts,
    layout: { order: [...order], shape: [...shape] },
  };
}

/** The network, with tensors as the framework has them or as they are stored. */
export function graphOf(asFramework: boolean): ArchitectureGraph {
  const operation = ({ role }: Stored): string =>
    role === undefined ? 'conv' : role === 'ROLE_BIAS' ? 'bias' : 'ln';
  return {
    name: 'stored',
    nodes: [
      { name: 'input', operation: 'input' },
      ...TENSORS.map((tensor) => ({
        name: tensor.name,
        operation: operation(tensor),
        shape: [...tensor.shape],
      })),
    ],
    edges: TENSORS.map((_, index) => ({ source: index, target: index + 1 })),
    parameters: TENSORS.map((tensor, index) => parameter(tensor, index + 1, asFramework)),
  };
}

/** Each element of the stored tensor, taken from the framework's. */
export function moved(values: Float32Array, tensor: Stored): Float32Array {
  const stored = storedShape(tensor);
  const reordered = tensor.order.map((axis) => stored[axis] ?? 1);
  const result = new Float32Array(values.length);
  values.forEach((value, flat) => {
    const index = new Array<number>(stored.length).fill(0);
    let rest = flat;
    for (let at = reordered.length - 1; at >= 0; at--) {
      const size = reordered[at] ?? 1;
      index[tensor.order[at] ?? 0] = rest % size;
      rest = Math.floor(rest / size);
    }
    result[index.reduce((place, entry, axis) => place * (stored[axis] ?? 1) + entry, 0)] = value;
  });
  return result;
}
