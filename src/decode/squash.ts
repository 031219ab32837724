/** The squashing of one-dimensional predictions; source: `GHN3._normalize` of the LoGAH authors. */

/** The squashing of a vector: norm weights (row 0) lie in (0, 2), biases (row 1) in (-1, 1). */
export function squashOf(row: 0 | 1): (value: number) => number {
  return row === 0 ? (value) => 2 / (1 + Math.exp(-0.5 * value)) : (value) => Math.tanh(0.2 * value);
}
