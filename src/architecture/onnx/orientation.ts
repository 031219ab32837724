/** A weight as its framework has it, read from the use that is made of it. */

import { elementCount, type TensorLayout } from '../../graph/graph';
import type { View } from './weight-view';

/** A weight's shape in the framework, and how it is stored where that is another. */
export interface Orientation {
  readonly shape: readonly number[];
  readonly layout: TensorLayout | undefined;
  /** The stored dimension of the layer's outputs; undefined where several are. */
  readonly outputs: number | undefined;
}

/** As it is stored, with outputs in the first dimension. */
export function asStored(shape: readonly number[], outputs = 0): Orientation {
  return { shape, layout: undefined, outputs };
}

/**
 * The tensor whose dimensions are these groups of dimensions of a view; undefined where a stored dimension is in several
 * groups or in none.
 */
export function oriented(
  stored: readonly number[],
  view: View,
  groups: readonly (readonly number[])[],
): Orientation | undefined {
  if (view === undefined) return undefined;
  const axes = groups.map((group) => [...new Set(group.flatMap((at) => view[at]?.of ?? []))]);
  const order = axes.flat();
  const rest = stored.flatMap((_, axis) => (order.includes(axis) ? [] : [axis]));
  if (new Set(order).size !== order.length || rest.some((axis) => stored[axis] !== 1)) return undefined;
  const shape = axes.map((group) => group.reduce((product, axis) => product * (stored[axis] ?? 1), 1));
  const whole = [...order, ...rest];
  const [first = []] = axes.filter((group) => group.length > 0);
  const outputs = axes[0]?.length === 1 ? first[0] : undefined;
  const large = whole.filter((axis) => (stored[axis] ?? 1) > 1);
  const isStored =
    shape.length === stored.length &&
    shape.every((size, at) => size === stored[at]) &&
    large.every((axis, at) => axis > (large[at - 1] ?? -1));
  return { shape, layout: isStored ? undefined : { order: whole, shape }, outputs };
}

/** A vector that is stored with more dimensions, or as a table of heads by size. */
export function asVector(stored: readonly number[]): Orientation {
  const shape = [elementCount(stored)];
  const outputs = stored.findIndex((size) => size > 1);
  return {
    shape,
    layout: stored.length === 1 ? undefined : { order: stored.map((_, axis) => axis), shape },
    outputs: stored.filter((size) => size > 1).length <= 1 ? Math.max(0, outputs) : undefined,
  };
}
