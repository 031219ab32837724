/** Tensors sent as the low-rank factors that they are products of. */

import type { Placement } from './layout';
import type { Piece } from './plan-tensor';
import type { MatrixRecipe } from './recipe';

/** How predicted matrices are sent. */
export type Representation = 'dense' | 'factors' | 'core';

/** A piece as factors: A of `recipe.m` rows, B of `recipe.n`, both float32 with `rank` columns. */
export interface FactorPiece extends Placement {
  readonly recipe: MatrixRecipe;
  readonly rank: number;
}

/** The pieces as factors, if all of them have factors and these are smaller than `denseBytes`. */
export function smallerFactors(
  pieces: readonly Piece[],
  rank: number,
  denseBytes: number,
): readonly FactorPiece[] | undefined {
  const factors: FactorPiece[] = [];
  for (const { recipe, ...place } of pieces) {
    if (recipe.kind !== 'matrix' || !isPlainProduct(recipe, place)) return undefined;
    factors.push({ ...place, recipe, rank });
  }
  return factors.length > 0 && factorsByteLength(factors) < denseBytes ? factors : undefined;
}

/**
 * Whether rows and columns repeat from the beginning of the factors, as those who expand them take for granted. A lone
 * column takes another kernel than its repetitions would.
 */
export function isPlainProduct({ cycles, n }: MatrixRecipe, { columns }: Placement): boolean {
  return cycles === undefined && (n > 1 || columns === 1);
}

/** Bytes of the factors of all pieces. */
export function factorsByteLength(factors: readonly FactorPiece[]): number {
  return factors.reduce((sum, { recipe, rank }) => sum + (recipe.m + recipe.n) * rank * 4, 0);
}
