/**
 * Singular values of a product Â · B̂ᵀ of tall factors without the product: with Â = Q·R and B̂ = P·S, they are those of
 * the small matrix R · Sᵀ. In double precision.
 */

/** Writes the next row of a factor, `width` numbers, into `target` from `at` on. */
export type RowWriter = (row: number, target: Float64Array, at: number) => void;

/** Rows that are reduced at a time: as many as the triangle has, times this. */
const BATCH = 4;

/** Sweeps after which one-sided Jacobi has long converged, for matrices of a few hundred columns. */
const MAX_SWEEPS = 40;

/** Cosine of two columns at which they count as orthogonal. */
const ORTHOGONAL = 1e-14;

/** The triangle R [width, width] of a QR decomposition of a matrix of `rows` rows, which are asked for once each, in order. */
export function triangleOf(rows: number, width: number, write: RowWriter): Float64Array {
  const batch = BATCH * width;
  const stacked = new Float64Array((width + batch) * width);
  for (let row = 0; row < rows; row += batch) {
    const count = Math.min(batch, rows - row);
    stacked.fill(0, width * width);
    for (let index = 0; index < count; index++) write(row + index, stacked, (width + index) * width);
    triangularize(stacked, width + count, width);
  }
  return stacked.slice(0, width * width);
}

/** Singular values, in descending order, of R · Sᵀ; both [width, width]. */
export function singularValuesOf(r: Float64Array, s: Float64Array, width: number): Float64Array {
  // Columns of the product lie one behind the other, as Jacobi's rotations want them.
  const columns = new Float64Array(width * width);
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < width; row++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += at(r, row * width + k) * at(s, column * width + k);
      columns[column * width + row] = sum;
    }
  }
  orthogonalize(columns, width);
  const values = Float64Array.from({ length: width }, (_, column) =>
    Math.sqrt(dot(columns, column * width, column * width, width)),
  );
  return values.sort().reverse();
}

/** Householder reflections that leave an upper triangle in the first `width` rows of `matrix` [rows, width], in place. */
function triangularize(matrix: Float64Array, rows: number, width: number): void {
  const factors = new Float64Array(width);
  for (let pivot = 0; pivot < Math.min(width, rows); pivot++) {
    let squares = 0;
    for (let row = pivot; row < rows; row++) squares += at(matrix, row * width + pivot) ** 2;
    const head = at(matrix, pivot * width + pivot);
    // Nothing to be reflected; a reflection of what is nearly nothing would divide by it.
    if (squares === head * head) continue;
    const norm = head > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    const scale = 1 / (norm * (norm - head));
    matrix[pivot * width + pivot] = head - norm;
    factors.fill(0);
    for (let row = pivot; row < rows; row++) {
      const weight = at(matrix, row * width + pivot) * scale;
      for (let column = pivot + 1; column < width; column++) {
        factors[column] = at(factors, column) + weight * at(matrix, row * width + column);
      }
    }
    for (let row = pivot; row < rows; row++) {
      const weight = at(matrix, row * width + pivot);
      for (let column = pivot + 1; column < width; column++) {
        const index = row * width + column;
        matrix[index] = at(matrix, index) - weight * at(factors, column);
      }
    }
    for (let row = pivot; row < rows; row++) matrix[row * width + pivot] = row === pivot ? norm : 0;
  }
}

/** One-sided Jacobi (Hestenes, 1958): rotates pairs of columns, each `width` numbers, until all are orthogonal. */
function orthogonalize(columns: Float64Array, width: number): void {
  for (let sweep = 0, rotated = true; rotated && sweep < MAX_SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < width - 1; p++) {
      for (let q = p + 1; q < width; q++) {
        const alpha = dot(columns, p * width, p * width, width);
        const beta = dot(columns, q * width, q * width, width);
        const gamma = dot(columns, p * width, q * width, width);
        if (gamma === 0 || Math.abs(gamma) <= ORTHOGONAL * Math.sqrt(alpha * beta)) continue;
        rotated = true;
        const zeta = (beta - alpha) / (2 * gamma);
        const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const cosine = 1 / Math.sqrt(1 + tangent * tangent);
        rotate(columns, p * width, q * width, width, cosine, cosine * tangent);
      }
    }
  }
}

function rotate(
  columns: Float64Array,
  p: number,
  q: number,
  width: number,
  cosine: number,
  sine: number,
): void {
  for (let k = 0; k < width; k++) {
    const [x, y] = [at(columns, p + k), at(columns, q + k)];
    columns[p + k] = cosine * x - sine * y;
    columns[q + k] = sine * x + cosine * y;
  }
}

function dot(values: Float64Array, p: number, q: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += at(values, p + k) * at(values, q + k);
  return sum;
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
