/** Which elements of a tensor are sent: equal runs of consecutive ones, at equal distances. */

import { elementCount } from '../graph/graph';
import type { Placement } from './layout';
import type { Box } from './slicing';
import type { Tile } from './tile';

/** `count` runs of `length` elements; the first begins at element `start`, each next one `stride` behind. */
export interface Runs {
  readonly start: number;
  readonly length: number;
  readonly count: number;
  /** At least `length`. */
  readonly stride: number;
}

/** Of a tensor that is not sent, or has no elements. */
export const NO_RUNS: Runs = { start: 0, length: 0, count: 0, stride: 1 };

/** The runs of a box of which at most the two leading dimensions are not whole. */
export function runsOf({ start, shape: size }: Box, shape: readonly number[]): Runs {
  if (elementCount(size) === 0) return NO_RUNS;
  const [first = 0, second = 0] = start;
  const [rows = 1, columns = 1] = size;
  const below = elementCount(shape.slice(2));
  const row = elementCount(shape.slice(1));
  if (shape.length < 2 || columns === shape[1]) {
    return { start: first * row, length: rows * row, count: 1, stride: rows * row };
  }
  return { start: first * row + second * below, length: columns * below, count: rows, stride: row };
}

/** Elements of the runs among the first `end` of the tensor. */
export function elementsBefore({ start, length, count, stride }: Runs, end: number): number {
  if (end <= start || count === 0) return 0;
  const whole = Math.min(count, Math.floor((end - start) / stride));
  const partial = whole < count ? Math.min(length, end - start - whole * stride) : 0;
  return whole * length + partial;
}

/** Index behind the last element. */
export function endOf({ start, length, count, stride }: Runs): number {
  return count === 0 ? start : start + (count - 1) * stride + length;
}

/** What is sent of a tile. */
export interface Wanted {
  readonly runs: Runs;
  /** Index in the tensor of the tile's first element. */
  readonly first: number;
}

/** Whether all of a tile's elements are wanted. */
export function isWhole({ runs, first }: Wanted, elements: number): boolean {
  return runs.count === 1 && runs.start <= first && first + elements <= runs.start + runs.length;
}

/** Moves what is wanted of a row-major tile to its beginning, without gaps, and returns that part. */
export function crop(values: Float32Array, { runs, first }: Wanted): Float32Array {
  const { start, length, count, stride } = runs;
  const end = first + values.length;
  let filled = 0;
  for (let run = Math.max(0, Math.floor((first - start) / stride)); run < count; run++) {
    const from = Math.max(first, start + run * stride);
    const to = Math.min(end, start + run * stride + length);
    if (start + run * stride >= end) break;
    if (from >= to) continue;
    if (from - first !== filled) values.copyWithin(filled, from - first, to - first);
    filled += to - from;
  }
  return values.subarray(0, filled);
}

/** A rectangle of a tile of rows of `columns` elements that holds all that is wanted of it. */
export function boundsOf(
  { runs, first }: Wanted,
  { rows, columns }: Omit<Tile, 'row'> & { columns: number },
): Placement {
  const from = Math.max(first, runs.start);
  const to = Math.min(first + rows * columns, endOf(runs));
  const row = Math.floor((from - first) / columns);
  const last = Math.floor((to - 1 - first) / columns);
  const within = runs.start % columns;
  const isColumns = runs.stride % columns === 0 && within + runs.length <= columns;
  return isColumns
    ? { row, rows: last - row + 1, column: within, columns: runs.length }
    : { row, rows: last - row + 1, column: 0, columns };
}
