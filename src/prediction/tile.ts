/** Tiles: aligned ranges of a tensor's rows, the unit of decoding. */

import type { PlannedTensor } from './plan';

/** A range of rows of a tensor's matrix view. */
export interface Tile {
  readonly row: number;
  readonly rows: number;
}

/** Float32 elements of a tile, at most, unless a single row has more: 4 MiB. */
export const TILE_ELEMENTS = 1 << 20;

/** Rows of every tile of a matrix with this many columns, but the last; at least 2 wherever two rows fit. */
export function rowsPerTile(columns: number): number {
  return Math.max(1, Math.floor(TILE_ELEMENTS / columns));
}

/** The tiles of a tensor, in order. Their bounds depend only on the tensor's shape. */
export function* tilesOf(tensor: PlannedTensor): Generator<Tile> {
  const { rows, columns } = tensor.view;
  const step = rowsPerTile(columns);
  for (let row = 0; row < rows; row += step) yield { row, rows: Math.min(step, rows - row) };
}
