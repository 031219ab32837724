/** Products of factors: our own up to the rank that they are faster for, ONNX Runtime's else. Runs in a worker thread. */

import { multiplyInto } from '../product/strips';
import type { Columns, Rows } from '../product/multiplier';
import type { Scratch } from '../scratch';
import type { DecodeContext } from './tile-part';

/** The product [count, columns], row-major, valid until the next. */
export async function productOf(
  rows: Rows,
  count: number,
  columns: Columns,
  { sessions, scratch, rank }: DecodeContext,
): Promise<Float32Array> {
  if (sessions.hasOwnProducts) {
    const product = scratch.product.take((count * columns.values.length) / rank);
    multiplyInto(product, rows, count, columns, rank);
    return product;
  }
  const { values, scale } = columns;
  const a = gatherRows(rows.values, rank, scratch.rows, count, rows.at, rows.scale);
  const b =
    scale === 1
      ? values
      : gatherRows(values, rank, scratch.columns, values.length / rank, (row) => row, scale);
  return sessions.product(a, b);
}

/** `count` rows [count, width] in `scratch`: row k is row `rowAt(k)` of `matrix` [*, width] times `scale`. */
export function gatherRows(
  matrix: Float32Array,
  width: number,
  scratch: Scratch,
  count: number,
  rowAt: (index: number) => number,
  scale: number,
): Float32Array {
  const gathered = scratch.take(count * width);
  for (let index = 0; index < count; index++) {
    const source = rowAt(index) * width;
    const target = index * width;
    for (let k = 0; k < width; k++) gathered[target + k] = (matrix[source + k] as number) * scale;
  }
  return gathered;
}
