/**
 * How a parameter lies in memory: seen as a matrix, and cut into the pieces that its blocks fill.
 *
 * A shape (n) is n rows of 1; (o, i) is o rows of i; (1, t, c) is t rows of c; (o, i, h, w) is o rows of i*h*w; a scalar
 * is one row of 1. Row-major order of the matrix is the tensor's own, so a range of rows is a range of bytes. A parameter
 * that is filled by rule alone and has rows longer than a tile is seen as a matrix of shorter ones.
 */

import { axisEntries, elementCount, viewOf, type Parameter } from '../graph/graph';
import { TILE_ELEMENTS } from './tile';

/** The matrix view of a shape. */
export interface MatrixView {
  readonly rows: number;
  readonly columns: number;
}

/** A block's place in the matrix view of its parameter. */
export interface Placement {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** The matrix view of a shape of any number of dimensions. */
export function matrixView(shape: readonly number[]): MatrixView {
  const rowDimension = rowDimensionOf(shape);
  const rows = elementCount(shape.slice(0, rowDimension + 1));
  return { rows, columns: elementCount(shape.slice(rowDimension + 1)) };
}

/** Runs that blocks by rule may be cut into where rows are shortened. */
const MAX_RUNS = 1 << 16;

/** The matrix view of a parameter. */
export function parameterView(parameter: Parameter): MatrixView {
  const laidOut = viewOf(parameter);
  const natural = matrixView(laidOut);
  if (!isShortened(parameter)) return natural;
  const columns = laidOut.at(-1) ?? 1;
  const elements = elementCount(laidOut);
  return columns > TILE_ELEMENTS ? { rows: elements, columns: 1 } : { rows: elements / columns, columns };
}

/** Whether rows are shortened: of what is filled by rule nothing but an element's index counts. */
function isShortened(parameter: Parameter): boolean {
  const { blocks, axis, repetitions = 1 } = parameter;
  const laidOut = viewOf(parameter);
  if (matrixView(laidOut).columns <= TILE_ELEMENTS) return false;
  if (blocks.some(({ origin }) => origin.kind === 'prediction')) return false;
  const count = blocks.length * repetitions;
  return count === 1 || runsOfBlocks(laidOut, axis) * count <= MAX_RUNS;
}

/** Runs of consecutive elements that each block of a shape is made of. */
function runsOfBlocks(shape: readonly number[], axis: number): number {
  return elementCount(shape.slice(0, axis));
}

/**
 * Where each block of a parameter lies, block after block along the parameter's axis, repetition after repetition. A
 * block of a parameter with shortened rows may lie in several places, which follow one another.
 */
export function placements(parameter: Parameter): readonly (readonly Placement[])[] {
  const { axis, blocks, repetitions = 1 } = parameter;
  const laidOut = viewOf(parameter);
  const { rows, columns } = parameterView(parameter);
  const lengths = Array.from({ length: repetitions }, () => blocks.map(({ length }) => length)).flat();
  const entries = axisEntries(parameter);
  let start = 0;
  if (lengths.length === 1) return [[{ row: 0, rows, column: 0, columns }]];
  if (isShortened(parameter)) {
    const outer = runsOfBlocks(laidOut, axis);
    const unit = (rows * columns) / outer / entries / columns;
    return lengths.map((length) => {
      const at = start;
      start += length;
      return Array.from({ length: outer }, (_, index) => ({
        row: (index * entries + at) * unit,
        rows: length * unit,
        column: 0,
        columns,
      }));
    });
  }
  const byRows = axis <= rowDimensionOf(laidOut);
  const unit = (byRows ? rows : columns) / entries;
  return lengths.map((length) => {
    const at = start;
    start += length * unit;
    return byRows
      ? [{ row: at, rows: length * unit, column: 0, columns }]
      : [{ row: 0, rows, column: at, columns: length * unit }];
  });
}

/** Whether the blocks of a parameter can be joined along its axis. */
export function canJoin(parameter: Parameter): boolean {
  const { axis, blocks, repetitions = 1 } = parameter;
  if (blocks.length * repetitions <= 1 || isShortened(parameter)) return true;
  return joinDimensions(viewOf(parameter)).includes(axis);
}

/** The dimensions along which blocks may be joined: along others, a block is neither a range of rows nor of columns. */
export function joinDimensions(shape: readonly number[]): readonly number[] {
  const rowDimension = rowDimensionOf(shape);
  return shape.flatMap((_, dimension) => (dimension <= rowDimension + 1 ? [dimension] : []));
}

/** The last dimension that counts towards the rows: leading dimensions of size 1 do not. */
export function rowDimensionOf(shape: readonly number[]): number {
  return shape.length === 3 && shape[0] === 1 ? 1 : 0;
}
