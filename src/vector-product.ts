/** Products of few columns, such as a vector's, on the server as in the client. */

/**
 * Element (row, column) of A · Bᵀ, both of `rank` columns. Summed in double precision, in order, and rounded once: the same
 * bits on every processor, and for a vector of some thousand elements sooner than a call of ONNX Runtime.
 */
export function productElement(
  a: Float32Array,
  row: number,
  b: Float32Array,
  column: number,
  rank: number,
): number {
  let sum = 0;
  for (let k = 0, i = row * rank, j = column * rank; k < rank; k++, i++, j++) {
    sum += (a[i] as number) * (b[j] as number);
  }
  return Math.fround(sum);
}
