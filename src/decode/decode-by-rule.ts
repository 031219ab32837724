/** Filling of blocks that no hypernetwork predicts. Runs in a worker thread. */

import { drawOf } from '../random/draws';
import type { StreamKey } from '../random/random';
import type { FillRecipe, RepeatedBlock } from '../plan/recipe';
import type { TilePart } from './tile-part';

/** Fills a part of a tile by the family's rule; an element depends on nothing but its index in the tensor. */
export function fillByRule(
  recipe: FillRecipe,
  part: TilePart,
  stream: StreamKey,
  tile: Float32Array,
  tileColumns: number,
): void {
  const own = drawOf(recipe, stream);
  const { repeated } = recipe;
  const copied = repeated === undefined ? undefined : copiedIndex(repeated);
  const draw = copied === undefined ? own : (element: number): number => own(copied(element));
  for (let row = 0; row < part.rows; row++) {
    const start = (part.row + row) * tileColumns + part.column;
    const element = part.element + row * tileColumns;
    for (let column = 0; column < part.columns; column++) tile[start + column] = draw(element + column);
  }
}

/** The index of the base's element that an element is a copy of. */
function copiedIndex({
  shape,
  base,
  axis,
  start,
  baseStart,
  baseLength,
}: RepeatedBlock): (element: number) => number {
  return (element) => {
    let index = 0;
    let stride = 1;
    let rest = element;
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      const size = shape[dimension] as number;
      const entry = rest % size;
      rest = Math.floor(rest / size);
      const copied =
        dimension === axis ? baseStart + ((entry - start) % baseLength) : entry % (base[dimension] as number);
      index += copied * stride;
      stride *= base[dimension] as number;
    }
    return index;
  };
}
