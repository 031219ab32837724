/**
 * How a parameter lies in memory: seen as a matrix, and cut into the pieces that its blocks fill.
 *
 * A shape (n) is n rows of 1; (o, i) is o rows of i; (1, t, c) is t rows of c; (o, i, h, w) is o rows of i*h*w.
 * Row-major order of the matrix is the tensor's own, so a range of rows is a range of bytes.
 */

import { elementCount, type Block, type Parameter } from '../graph/graph';

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

/** The matrix view of a shape of 1 to 4 dimensions. */
export function matrixView(shape: readonly number[]): MatrixView {
  const rowDimension = rowDimensionOf(shape);
  const rows = elementCount(shape.slice(0, rowDimension + 1));
  return { rows, columns: elementCount(shape.slice(rowDimension + 1)) };
}

/** Where each block of a parameter lies; the blocks follow one another along the parameter's axis. */
export function placements(parameter: Parameter): readonly Placement[] {
  const { rows, columns } = matrixView(parameter.shape);
  const byRows = parameter.axis <= rowDimensionOf(parameter.shape);
  const unit = (byRows ? rows : columns) / (parameter.shape[parameter.axis] ?? 1);
  let start = 0;
  return parameter.blocks.map((block: Block) => {
    const at = start;
    start += block.length * unit;
    return byRows
      ? { row: at, rows: block.length * unit, column: 0, columns }
      : { row: 0, rows, column: at, columns: block.length * unit };
  });
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
