/**
 * The singular values of a kernel as a matrix [out, in · height · width], from its factors. Row p is, for each y of the
 * height, the product of a row of A with the transpose of B [in · width, rank]: B is the same for all of them, so its
 * triangle S does in its place, and the matrix that is left has height times at most rank columns.
 */

import type { Factors } from '../../hypernet/sessions';
import { decodedEntry } from '../../plan/cycle';
import type { KernelRecipe } from '../../plan/recipe';
import { scaleOf } from '../scale';
import { singularValuesOf, triangleOf } from './singular-values';

/** A matrix's size. */
export interface MatrixSize {
  readonly rows: number;
  readonly columns: number;
}

/** Columns that are left of a kernel of so many columns. */
export function kernelWidth({ h }: KernelRecipe, columns: number, rank: number): number {
  return h * Math.min(rank, columns / h);
}

/** Singular values in descending order: as many as `kernelWidth`. */
export function kernelSingularValues(
  recipe: KernelRecipe,
  factors: Factors,
  { rows, columns }: MatrixSize,
  rank: number,
): Float64Array {
  const { o, i, h, w, cycles } = recipe;
  const width = kernelWidth(recipe, columns, rank);
  const left = width / h;
  const s = triangleOf(columns / h, rank, (row, target, at) => {
    const channel = decodedEntry(Math.floor(row / w), i, cycles?.columns);
    const source = (channel * w + (row % w)) * rank;
    for (let k = 0; k < rank; k++) target[at + k] = factors.b[source + k] as number;
  });
  const scale = scaleOf(recipe, factors, rank);
  const r = triangleOf(rows, width, (row, target, at) => {
    const channel = decodedEntry(row, o, cycles?.rows);
    for (let y = 0; y < h; y++) {
      const source = (channel * h + y) * rank;
      for (let j = 0; j < left; j++) {
        let sum = 0;
        for (let k = j; k < rank; k++) sum += (factors.a[source + k] as number) * (s[j * rank + k] as number);
        target[at + y * left + j] = sum * scale;
      }
    }
  });
  const identity = new Float64Array(width * width);
  for (let k = 0; k < width; k++) identity[k * (width + 1)] = 1;
  return singularValuesOf(r, identity, width);
}
