/** Tensors sent as the low-rank factors that they are products of. */

import type { Placement } from './layout';
import type { Piece } from './plan-tensor';
import type { MatrixRecipe, Stored } from './recipe';

/** How predicted matrices are sent. */
export type Representation = 'dense' | 'factors' | 'core';

/** A piece as factors: A of `recipe.m` rows, B of `recipe.n`, both float32 with `rank` columns. */
export interface FactorPiece extends Placement {
  readonly recipe: MatrixRecipe;
  readonly rank: number;
  /** Whether the tensor holds the transpose: the factors change places. */
  readonly transposed: boolean;
}

/** The pieces as factors, if all of them have factors and these are smaller than `denseBytes`. */
export function smallerFactors(
  pieces: readonly Piece[],
  rank: number,
  denseBytes: number,
): readonly FactorPiece[] | undefined {
  const factors: FactorPiece[] = [];
  for (const { recipe, stored, ...place } of pieces) {
    if (recipe.kind !== 'matrix' || !isPlainProduct(recipe, place, stored)) return undefined;
    factors.push({ ...place, recipe, rank, transposed: stored !== undefined });
  }
  return factors.length > 0 && factorsByteLength(factors) < denseBytes ? factors : undefined;
}

/**
 * Whether rows and columns repeat from the beginning of the factors, as those who expand them take for granted. A lone
 * column takes another kernel than its repetitions would.
 */
export function isPlainProduct(
  { cycles, m, n }: MatrixRecipe,
  { columns }: Placement,
  stored: Stored | undefined,
): boolean {
  if (stored !== undefined) return isTranspose(stored) && m > 1 && n > 1;
  return cycles === undefined && (n > 1 || columns === 1);
}

/** Whether a matrix is stored with rows and columns exchanged. */
export function isTranspose({ shape, groups }: Stored): boolean {
  const [rows = [], columns = []] = groups;
  return shape.length === 2 && rows.length === 1 && rows[0] === 1 && columns.length === 1 && columns[0] === 0;
}

/** Bytes of the factors of all pieces. */
export function factorsByteLength(factors: readonly FactorPiece[]): number {
  return factors.reduce((sum, { recipe, rank }) => sum + (recipe.m + recipe.n) * rank * 4, 0);
}
