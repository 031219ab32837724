/** Filling of blocks that no hypernetwork predicts. Runs in a worker thread. */

import { normal, truncatedNormal, uniform, type StreamKey } from './random';
import type { FillRecipe } from './recipe';
import type { TilePart } from './tile-part';

/** Fills a part of a tile by the family's rule; an element depends on nothing but its index in the tensor. */
export function fillByRule(
  recipe: FillRecipe,
  part: TilePart,
  stream: StreamKey,
  tile: Float32Array,
  tileColumns: number,
): void {
  const draw = drawOf(recipe, stream);
  for (let row = 0; row < part.rows; row++) {
    const start = (part.row + row) * tileColumns + part.column;
    const element = part.element + row * tileColumns;
    for (let column = 0; column < part.columns; column++) tile[start + column] = draw(element + column);
  }
}

function drawOf(recipe: FillRecipe, stream: StreamKey): (element: number) => number {
  switch (recipe.rule) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'normal':
      return (element) => normal(stream, element, recipe.standardDeviation);
    case 'truncated_normal':
      return (element) => truncatedNormal(stream, element, recipe.standardDeviation);
    case 'constant':
      return () => recipe.value;
    case 'uniform':
      return (element) => uniform(stream, element, recipe.bound);
  }
}
