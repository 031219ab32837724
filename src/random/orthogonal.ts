/**
 * Orthogonal matrices of which every element is known by itself, at any size: a discrete cosine transform whose rows and
 * columns have random signs. A matrix drawn by QR, as frameworks do, needs all of it on every rank for any part of it.
 */

import type { MatrixBlock, OrthogonalFilling } from '../graph/filling';
import { philox, type StreamKey } from './random';

/** Of counters, where those of elements have 0: signs of rows, and one more for those of columns. */
const SIGNS = 1;

/**
 * Element by index in its parameter: sign(row) sign(column) gain * C, where C is [k, p] of the orthonormal DCT-II of
 * size max(rows, columns), k counting along the shorter side. Rows, or columns where they are fewer, are orthonormal.
 */
export function orthogonal(
  { gain, block }: OrthogonalFilling,
  stream: StreamKey,
): (element: number) => number {
  const place = placeIn(block);
  const { rows, columns } = sidesOf(block);
  const size = Math.max(rows, columns);
  const [first, others] = [gain * Math.sqrt(1 / size), gain * Math.sqrt(2 / size)];
  const step = Math.PI / (2 * size);
  const period = 4 * size;
  const signs = new Signs(stream);
  return (element) => {
    const { row, column, start } = place(element);
    const [frequency, position] = rows <= columns ? [row, column] : [column, row];
    // Reduced as integers, below 2^53, so that the angle is as exact for the last element as for the first.
    const angle = ((2 * position + 1) * frequency) % period;
    const value = frequency === 0 ? first : others * Math.cos(angle * step);
    return signs.of(0, start, row) === signs.of(1, start, column) ? value : -value;
  };
}

/** Random signs of a block's rows and columns, 128 to a draw. */
class Signs {
  readonly #stream: StreamKey;
  readonly #drawn: [Map<number, Uint32Array>, Map<number, Uint32Array>] = [
    new Map<number, Uint32Array>(),
    new Map<number, Uint32Array>(),
  ];
  #block = -1;

  constructor(stream: StreamKey) {
    this.#stream = stream;
  }

  /** Whether that of a row (side 0) or a column (side 1) is positive, in the block that begins at entry `start`. */
  of(side: 0 | 1, start: number, index: number): boolean {
    // Elements come block by block.
    if (start !== this.#block) {
      this.#block = start;
      for (const drawn of this.#drawn) drawn.clear();
    }
    const group = Math.floor(index / 128);
    let words = this.#drawn[side].get(group);
    if (words === undefined) {
      const counter = [group, start >>> 0, Math.floor(start / 2 ** 32), SIGNS + side] as const;
      words = Uint32Array.from(philox(this.#stream, counter));
      this.#drawn[side].set(group, words);
    }
    return (((words[(index >>> 5) & 3] as number) >>> (index & 31)) & 1) === 1;
  }
}

/** How many rows and columns the matrix of a block has. */
export function sidesOf(block: MatrixBlock): { rows: number; columns: number } {
  const size = (dimension: number): number =>
    dimension === block.axis ? block.length : (block.shape[dimension] as number);
  const product = (dimensions: readonly number[]): number =>
    dimensions.reduce((result, dimension) => result * size(dimension), 1);
  return { rows: product(block.rows), columns: product(block.columns) };
}

interface Place {
  readonly row: number;
  readonly column: number;
  /** Entry along the axis at which the block, or its repetition, begins. */
  readonly start: number;
}

/** Where in the block's matrix an element of the parameter stands. */
function placeIn({
  shape,
  axis,
  start,
  length,
  period,
  rows,
  columns,
}: MatrixBlock): (element: number) => Place {
  const strides = (dimensions: readonly number[]): number[] => {
    const result = shape.map(() => 0);
    let stride = 1;
    for (const dimension of [...dimensions].reverse()) {
      result[dimension] = stride;
      stride *= dimension === axis ? length : (shape[dimension] as number);
    }
    return result;
  };
  const [rowStrides, columnStrides] = [strides(rows), strides(columns)];
  return (element) => {
    let [row, column, first] = [0, 0, start];
    let rest = element;
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      const size = shape[dimension] as number;
      let entry = rest % size;
      rest = Math.floor(rest / size);
      if (dimension === axis) {
        first = start + Math.floor((entry - start) / period) * period;
        entry -= first;
      }
      row += entry * (rowStrides[dimension] as number);
      column += entry * (columnStrides[dimension] as number);
    }
    return { row, column, start: first };
  };
}
