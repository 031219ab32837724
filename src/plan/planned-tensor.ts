/** A tensor of the plan: what is sent of it, and the tiles that hold that. */

import type { CoreBlock } from './core';
import type { FactorPiece } from './factors';
import type { Placement } from './layout';
import type { TensorContent } from './plan-tensor';
import type { Box } from './slicing';
import { rowsPerTile, type Tile } from './tile';

/** One tensor of the plan. */
export interface PlannedTensor extends TensorContent {
  readonly sent: boolean;
  /** The box that is sent, in the tensor's dimensions; undefined where it is not sent. */
  readonly box: Box | undefined;
  /** The same in the matrix view. */
  readonly sentPlace: Placement;
  /** Bytes sent; 0 where the tensor is not. */
  readonly bytes: number;
  /** Position of the first byte in the data of the whole answer. */
  readonly offset: number;
  /** The pieces as factors, where the tensor is sent so. */
  readonly factors: readonly FactorPiece[] | undefined;
  /** The pieces as cores, where the tensor is sent so. */
  readonly core: readonly CoreBlock[] | undefined;
}

/**
 * The tiles that hold what is sent of a tensor, in order. Their bounds depend only on the tensor's shape, so that a
 * slice is cut from the very tiles that the whole tensor is made of.
 */
export function* tilesOf(tensor: PlannedTensor): Generator<Tile> {
  const { rows, columns } = tensor.view;
  const { row: first, rows: count } = tensor.sentPlace;
  const step = rowsPerTile(columns);
  for (let row = first - (first % step); row < first + count; row += step) {
    yield { row, rows: Math.min(step, rows - row) };
  }
}

/** What is sent of a tile, counted within the tile. */
export function sentPart(tensor: PlannedTensor, tile: Tile): Placement {
  const { row, rows, column, columns } = tensor.sentPlace;
  const first = Math.max(row, tile.row);
  const last = Math.min(row + rows, tile.row + tile.rows);
  return { row: first - tile.row, rows: last - first, column, columns };
}
