/** Tiles: aligned ranges of a tensor's rows, the unit of decoding. */

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
