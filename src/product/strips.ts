/** Products a strip of rows at a time, made in the memory in which they are narrowed and summed next. */

import { LEFT, LEFT_BYTES, RIGHT, RIGHT_BYTES, SPARE, staging, stagingMemory } from '../checksum/staging';
import { Multiplier, wholePanels, type Columns, type Rows } from './multiplier';

/** Elements of a strip, at most: they stay in the processor's cache until they are read. */
export const STRIP_ELEMENTS = 64 * 1024;
/** Rows of a strip, at most. */
const MOST_ROWS = 512;
/** Columns of a strip, at most: four rows of it fit. */
const MOST_COLUMNS = STRIP_ELEMENTS / 4;
/** Columns that are taken at a time where there are more. */
const COLUMNS_AT_ONCE = 4096;

const multiplier = new Multiplier(stagingMemory, {
  left: LEFT,
  leftBytes: LEFT_BYTES,
  right: RIGHT,
  rightBytes: RIGHT_BYTES,
});
const floats = new Float32Array(staging.buffer);

/** Whether strips of whole rows can be made of so many columns. */
export function fitsStrip(columns: number): boolean {
  return columns <= MOST_COLUMNS;
}

/**
 * Makes rows `first` to `first + count` of a product by strips of whole rows: at the byte of `staging` that `place` returns,
 * then `made` is told how many elements are there. Only for as many columns as `fitsStrip`.
 */
export function makeStrips(
  rows: Rows,
  count: number,
  columns: Columns,
  rank: number,
  place: number,
  made: (elements: number) => void,
): void {
  const width = columns.values.length / rank;
  multiplier.load(columns, rank, 0, width);
  const step = rowsAtOnce(width);
  for (let first = 0; first < count; first += step) {
    const taken = Math.min(step, count - first);
    multiplier.rows(rows, first, taken, place);
    made(taken * width);
  }
}

/** The product [count, columns] of the rows, row-major, in `target`. */
export function multiplyInto(
  target: Float32Array,
  rows: Rows,
  count: number,
  columns: Columns,
  rank: number,
): void {
  const width = columns.values.length / rank;
  const block = fitsStrip(width) ? width : COLUMNS_AT_ONCE;
  const step = rowsAtOnce(block);
  for (let column = 0; column < width; column += block) {
    const wide = Math.min(block, width - column);
    multiplier.load(columns, rank, column, wide);
    for (let first = 0; first < count; first += step) {
      const taken = Math.min(step, count - first);
      multiplier.rows(rows, first, taken, SPARE);
      const strip = floats.subarray(SPARE / 4, SPARE / 4 + taken * wide);
      if (wide === width) {
        target.set(strip, first * width);
        continue;
      }
      for (let row = 0; row < taken; row++) {
        target.set(strip.subarray(row * wide, (row + 1) * wide), (first + row) * width + column);
      }
    }
  }
}

/** Rows of a strip: whole quads, whose padded columns fit too. */
function rowsAtOnce(columns: number): number {
  const rows = Math.floor(STRIP_ELEMENTS / wholePanels(columns) / 4) * 4;
  return Math.min(MOST_ROWS, rows);
}
