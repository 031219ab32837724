/** How two pictures of the same size differ. */

import type { Cells } from '../weights/inspections';

/** Cells of one less those of the other, and what they come to. */
export interface Difference {
  readonly means: Float32Array;
  /** Magnitudes. */
  readonly largest: number;
  readonly average: number;
  /** Of the means of both; 1 where one of them is zero everywhere, as the other is. */
  readonly cosine: number;
}

/** The difference of two pictures' means: those of the elements' differences. */
export function differenceOf(one: Cells, other: Cells): Difference {
  const means = one.means.map((mean, index) => mean - (other.means[index] ?? 0));
  let [largest, total, product, squares, others] = [0, 0, 0, 0, 0];
  for (let index = 0; index < means.length; index++) {
    const size = Math.abs(means[index] as number);
    largest = Math.max(largest, size);
    total += size;
    const [a, b] = [one.means[index] as number, other.means[index] as number];
    product += a * b;
    squares += a * a;
    others += b * b;
  }
  const norms = Math.sqrt(squares * others);
  return { means, largest, average: total / means.length, cosine: norms === 0 ? 1 : product / norms };
}
