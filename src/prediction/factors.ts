/** Tensors sent as the low-rank factors that they are products of. */

import type { Placement } from './layout';
import type { Piece } from './plan';
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
    if (recipe.kind !== 'matrix') return undefined;
    factors.push({ ...place, recipe, rank });
  }
  return factors.length > 0 && factorsByteLength(factors) < denseBytes ? factors : undefined;
}

/** Bytes of the factors of all pieces. */
export function factorsByteLength(factors: readonly FactorPiece[]): number {
  return factors.reduce((sum, { recipe, rank }) => sum + (recipe.m + recipe.n) * rank * 4, 0);
}
