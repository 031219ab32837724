/**
 * The standard deviation of a product A · Bᵀ from its factors alone: the product may be too large to be made.
 *
 * With the mean row of each factor taken out, A = 1·āᵀ + Ā and B = 1·b̄ᵀ + B̄, the product falls into four parts that are
 * orthogonal to each other: its mean ā·b̄, what differs by row (Ā·b̄), by column (B̄·ā), and the rest (Ā·B̄ᵀ). The sum
 * of squared deviations is that of the last three, all of it in Gram matrices [rank, rank]. Sums of squares less the
 * square of a sum would lose every digit where the mean is much larger than the deviations; here nothing is subtracted.
 */

/** How often a row of a factor, or one of its columns' counterparts in the product, occurs. */
export type Occurrences = (row: number) => number;

/** A product with rows and columns that occur any number of times; `a` is [m, rank], `b` is [n, rank]. */
export interface RepeatedProduct {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  readonly rows: Occurrences;
  readonly columns: Occurrences;
}

/** Of a set of numbers: how many, their mean, and the sum of their squared deviations from it. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

/** The moments of all elements of a product, in double precision; the same bits for the same factors. */
export function productMoments({ a, b, rank, rows, columns }: RepeatedProduct): Moments {
  const left = centred(a, rank, rows);
  const right = centred(b, rank, columns);
  let mean = 0;
  let byRow = 0;
  let byColumn = 0;
  let rest = 0;
  for (let i = 0; i < rank; i++) {
    mean += at(left.mean, i) * at(right.mean, i);
    for (let j = 0; j < rank; j++) {
      const inLeft = at(left.gram, i * rank + j);
      const inRight = at(right.gram, i * rank + j);
      byRow += at(right.mean, i) * inLeft * at(right.mean, j);
      byColumn += at(left.mean, i) * inRight * at(left.mean, j);
      rest += inLeft * inRight;
    }
  }
  // All three are sums of squares; only rounding can make them negative.
  const squares = Math.max(0, rest) + right.count * Math.max(0, byRow) + left.count * Math.max(0, byColumn);
  return { count: left.count * right.count, mean, squares };
}

/** The moments of two sets together (Chan, Golub and LeVeque, 1979). */
export function joinMoments(one: Moments, other: Moments): Moments {
  const count = one.count + other.count;
  if (count === 0) return one;
  const apart = other.mean - one.mean;
  return {
    count,
    mean: one.mean + (apart * other.count) / count,
    squares: one.squares + other.squares + (apart * apart * one.count * other.count) / count,
  };
}

/** Unbiased: divided by the count less one. */
export function standardDeviation({ count, squares }: Moments): number {
  return Math.sqrt(squares / (count - 1));
}

interface Centred {
  /** Rows, as often as they occur. */
  readonly count: number;
  /** [rank] */
  readonly mean: Float64Array;
  /** [rank, rank]: the sum over rows of (row - mean)ᵀ · (row - mean). */
  readonly gram: Float64Array;
}

/** Rows are taken four at a time, so that the Gram matrix is read and written a quarter as often. */
const ROWS_AT_ONCE = 4;

function centred(factor: Float32Array, rank: number, occurrences: Occurrences): Centred {
  const rows = factor.length / rank;
  const mean = new Float64Array(rank);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const times = occurrences(row);
    count += times;
    for (let i = 0; i < rank; i++) mean[i] = at(mean, i) + times * at(factor, row * rank + i);
  }
  for (let i = 0; i < rank && count > 0; i++) mean[i] = at(mean, i) / count;

  const gram = new Float64Array(rank * rank);
  const deviations = new Float64Array(ROWS_AT_ONCE * rank);
  const times = new Float64Array(ROWS_AT_ONCE);
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    for (let k = 0; k < ROWS_AT_ONCE; k++) {
      const row = first + k;
      times[k] = row < rows ? occurrences(row) : 0;
      for (let i = 0; i < rank; i++) {
        deviations[k * rank + i] = row < rows ? at(factor, row * rank + i) - at(mean, i) : 0;
      }
    }
    addOuterProducts(gram, deviations, times, rank);
  }
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j < i; j++) gram[i * rank + j] = at(gram, j * rank + i);
  }
  return { count, mean, gram };
}

/** Adds to the upper triangle. */
function addOuterProducts(
  gram: Float64Array,
  deviations: Float64Array,
  times: Float64Array,
  rank: number,
): void {
  const [second, third, fourth] = [rank, 2 * rank, 3 * rank];
  for (let i = 0; i < rank; i++) {
    const w = at(times, 0) * at(deviations, i);
    const x = at(times, 1) * at(deviations, second + i);
    const y = at(times, 2) * at(deviations, third + i);
    const z = at(times, 3) * at(deviations, fourth + i);
    for (let j = i; j < rank; j++) {
      gram[i * rank + j] =
        at(gram, i * rank + j) +
        (w * at(deviations, j) +
          x * at(deviations, second + j) +
          (y * at(deviations, third + j) + z * at(deviations, fourth + j)));
    }
  }
}

/** An element that is there. */
function at(values: Float32Array | Float64Array, index: number): number {
  return values[index] as number;
}
