/** Boxes of tensors, as slices ask for them, and what of a whole tensor lies in one. */

import fc from 'fast-check';
import type { TensorPlan } from '../../src/client';
import { floats } from './parity-fixtures';
import type { Predicted } from './predicted';

/** A box of one of the tensors: its first and last index in up to two leading dimensions. */
export function anyBox(
  tensors: readonly TensorPlan[],
): fc.Arbitrary<{ name: string; start: number[]; end: number[] }> {
  return fc.constantFrom(...tensors).chain(({ name, shape }) =>
    fc
      .tuple(...shape.slice(0, 2).map((size) => fc.tuple(fc.nat(size - 1), fc.nat(size - 1))))
      .map((ends) => ({
        name,
        start: ends.map(([one, other]) => Math.min(one, other)),
        end: ends.map(([one, other]) => Math.max(one, other) + 1),
      })),
  );
}

/** Those of a box, whose dimensions beyond the first two are whole. */
export function boxOf(whole: Predicted, { name, shape, sentStart, sentShape }: TensorPlan): number[] {
  const values = floats(whole.tensor(name));
  let indices = [0];
  for (const [dimension, size] of shape.entries()) {
    const start = sentStart[dimension] ?? 0;
    const within = Array.from({ length: sentShape[dimension] ?? 1 }, (_, at) => start + at);
    indices = indices.flatMap((index) => within.map((at) => index * size + at));
  }
  return indices.map((index) => values[index] ?? NaN);
}
