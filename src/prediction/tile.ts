/** Tiles: aligned ranges of a tensor's rows, the unit of decoding. */

import type { Placement } from './layout';
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
