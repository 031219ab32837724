/** Tensors that are stored otherwise than their framework has them, `TensorLayout`. */

import { quoted } from '../untrusted-text';
import { blockShape, type Block, type Parameter, type TensorLayout } from './graph';

/** For each dimension of the framework's tensor, the stored ones that it is made of, slowest first. */
export function layoutGroups(
  stored: readonly number[],
  { order, shape }: TensorLayout,
): readonly (readonly number[])[] {
  let next = 0;
  return shape.map((size) => {
    const group: number[] = [];
    for (let product = 1; product < size; next++) {
      const axis = order[next];
      if (axis === undefined) break;
      product *= stored[axis] ?? 1;
      if ((stored[axis] ?? 1) > 1) group.push(axis);
    }
    return group;
  });
}

/** The shape that a block of a parameter is predicted in: the framework's. */
export function predictedShape(parameter: Parameter, block: Block): number[] {
  const { layout, shape } = parameter;
  const stored = blockShape(parameter, block);
  if (layout === undefined) return stored;
  return layoutGroups(shape, layout).map((group) => group.reduce((size, at) => size * (stored[at] ?? 1), 1));
}

/** Why a layout is none of a tensor of this shape; undefined where it is one. */
export function layoutFault(stored: readonly number[], { order, shape }: TensorLayout): string | undefined {
  const axes = [...order].sort((a, b) => a - b);
  if (axes.length !== stored.length || axes.some((axis, at) => axis !== at)) {
    return `the order ${quoted(order)} does not have each of the ${stored.length} dimensions once`;
  }
  if (shape.length === 3 || shape.length < 1 || shape.length > 4) {
    return `the shape has ${shape.length} dimensions; 1, 2 or 4 are allowed`;
  }
  const groups = layoutGroups(stored, { order, shape });
  const sizes = groups.map((group) => group.reduce((size, at) => size * (stored[at] ?? 1), 1));
  const used = groups.flat().length;
  const large = stored.filter((size) => size > 1).length;
  if (used === large && sizes.every((size, at) => size === shape[at])) return undefined;
  return `${quoted(stored)} in the order ${quoted(order)} cannot be joined to ${quoted(shape)}`;
}
