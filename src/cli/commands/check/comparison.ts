/** How far two predictions of a network are apart. */

import type { PredictedTensor, TensorKind } from './predicted-tensors';

/** The largest relative error that counts as the same prediction: that of parity with the authors' code. */
export const LARGEST_ERROR = 1e-5;

/** The tensor of a kind that differs most. */
export interface KindError {
  readonly kind: TensorKind | 'missing';
  readonly tensors: number;
  /** Euclidean norm of the difference over that of what was expected. */
  readonly relativeError: number;
  /** Its name. */
  readonly tensor: string;
}

/** The largest error of each kind. `errorOf` is that of one tensor. */
export function errorsByKind(
  tensors: readonly PredictedTensor[],
  errorOf: (tensor: PredictedTensor) => number,
): readonly KindError[] {
  const kinds = new Map<TensorKind, KindError>();
  for (const tensor of tensors) {
    const error = errorOf(tensor);
    const before = kinds.get(tensor.kind);
    const count = (before?.tensors ?? 0) + 1;
    const isLarger = before === undefined || !(error <= before.relativeError);
    kinds.set(tensor.kind, {
      kind: tensor.kind,
      tensors: count,
      relativeError: isLarger ? error : before.relativeError,
      tensor: isLarger ? tensor.name : before.tensor,
    });
  }
  return [...kinds.values()];
}

/** Euclidean norm of the difference over that of `expected`; infinite where the lengths differ. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let index = 0; index < expected.length; index++) {
    const value = expected[index] as number;
    difference += (value - (actual[index] as number)) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference) / (Math.sqrt(norm) || 1);
}
