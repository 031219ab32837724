/** Noise on top of what is predicted, `docs/decisions/016-lift.md` and 024. Runs in a worker thread. */

import { deviationOf, type BlockRecipe } from './deviation';
import type { Placement } from '../plan/layout';
import { isLifted, isNoisyPiece } from '../plan/blend/lifted';
import { addNormals } from '../random/noise';
import type { StreamKey } from '../random/random';
import type { DecodeContext, TilePart } from './tile-part';

/** What is added to a tensor. */
export interface Noise {
  /** In standard deviations of each block; 0: parts have a `base` alone. */
  readonly lift: number;
  readonly stream: StreamKey;
}

/**
 * Adds noise to a part of a tile that has been decoded; vectors and what is filled by rule stay as they are. `wanted` is
 * what of the tile is kept: no more than that is drawn.
 */
export async function liftPart(
  part: TilePart,
  noise: Noise,
  wanted: Placement,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const { recipe } = part;
  if (!isLifted(recipe) || !isNoisyPiece(part, noise.lift)) return;
  const { row, rows, column, columns } = common(part, wanted);
  if (rows <= 0 || columns <= 0) return;
  const deviation = await noiseDeviation(noise, recipe, part, context);
  // Whole rows of the tile lie one behind the other.
  const [runs, length] = columns === tileColumns ? [1, rows * columns] : [rows, columns];
  for (let run = 0; run < runs; run++) {
    const at = (row + run) * tileColumns + column;
    const element = part.element + at - (part.row * tileColumns + part.column);
    addNormals(noise.stream, element, deviation, tile.subarray(at, at + length));
  }
}

/**
 * The standard deviation of a block's noise. One draw has the distribution of the sum of two, lift and base, and costs half
 * as much.
 */
export async function noiseDeviation(
  { lift }: Noise,
  recipe: BlockRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<number> {
  const { base = 0 } = part;
  // Nothing need be decoded to know it.
  if (lift === 0) return base;
  const lifted = lift * (await deviationOf(recipe, part, context));
  return base === 0 ? lifted : Math.sqrt(lifted * lifted + base * base);
}

/** What lies within both. */
function common(one: Placement, other: Placement): Placement {
  const row = Math.max(one.row, other.row);
  const column = Math.max(one.column, other.column);
  const rows = Math.min(one.row + one.rows, other.row + other.rows) - row;
  return {
    row,
    rows,
    column,
    columns: Math.min(one.column + one.columns, other.column + other.columns) - column,
  };
}
