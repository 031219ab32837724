/** Filling of blocks that no hypernetwork predicts. Runs in a worker thread. */

import { normal, truncatedNormal, uniform, type StreamKey } from './random';
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
  const draw = drawOf(recipe, stream);
  if (recipe.repeated !== undefined) {
    repeatByRule(recipe.repeated, part, draw, tile, tileColumns);
    return;
  }
  for (let row = 0; row < part.rows; row++) {
    const start = (part.row + row) * tileColumns + part.column;
    const element = part.element + row * tileColumns;
    for (let column = 0; column < part.columns; column++) tile[start + column] = draw(element + column);
  }
}

/** The same of a block that repeats another: an element draws at the index of the one that it is a copy of. */
function repeatByRule(
  repeated: RepeatedBlock,
  part: TilePart,
  draw: (element: number) => number,
  tile: Float32Array,
  tileColumns: number,
): void {
  for (let row = 0; row < part.rows; row++) {
    const start = (part.row + row) * tileColumns + part.column;
    const source = repeated.row + ((part.pieceRow + row) % repeated.rows);
    const element = source * repeated.tensorColumns + repeated.column;
    for (let column = 0; column < part.columns; column++) {
      tile[start + column] = draw(element + (column % repeated.columns));
    }
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
