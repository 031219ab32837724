/** What a predicted weight is multiplied with. */

import type { Factors } from '../hypernet/sessions';
import { joinMoments, productMoments, standardDeviation, type Moments, type Occurrences } from './moments';
import type { KernelRecipe, MatrixRecipe, PositionRecipe } from './recipe';

/** Keeps a constant block finite. Source: `GHN3_GPT._normalize` of the LoGAH authors. */
const LEAST_DEVIATION = 1e-7;

/** A block that is a product with a scale. */
export type ScaledRecipe = KernelRecipe | MatrixRecipe | PositionRecipe;

/**
 * The factor of a block, from its whole factors, whatever of it is decoded: every slice has the same. `factors` are
 * those that the recipe needs, with `rank` columns.
 */
export function scaleOf(recipe: ScaledRecipe, factors: Factors, rank: number): number {
  if (typeof recipe.scale === 'number') return recipe.scale;
  const deviation = standardDeviation(momentsOf(recipe, recipe.scale, factors, rank));
  return recipe.scale.target / (deviation + LEAST_DEVIATION);
}

function momentsOf(
  recipe: ScaledRecipe,
  { first, second }: { readonly first: number; readonly second: number },
  factors: Factors,
  rank: number,
): Moments {
  switch (recipe.kind) {
    case 'matrix':
      return productMoments({
        ...factors,
        rank,
        rows: occurrences(first, recipe.m),
        columns: occurrences(second, recipe.n),
      });
    case 'kernel': {
      const [outputs, inputs] = [occurrences(first, recipe.o), occurrences(second, recipe.i)];
      return productMoments({
        ...factors,
        rank,
        rows: (row) => outputs(Math.floor(row / recipe.h)),
        columns: (row) => inputs(Math.floor(row / recipe.w)),
      });
    }
    case 'position':
      return positionMoments(recipe, first, occurrences(second, recipe.c), factors, rank);
  }
}

/** Tokens fill squares of s rows; the last square may end within a row, so it is measured in up to three parts. */
function positionMoments(
  { s }: PositionRecipe,
  tokens: number,
  channels: Occurrences,
  factors: Factors,
  rank: number,
): Moments {
  const squares = Math.floor(tokens / (s * s));
  const left = tokens % (s * s);
  const [fullRows, inLastRow] = [Math.floor(left / s), left % s];
  const part = (rows: Occurrences, width: number): Moments =>
    productMoments({
      ...factors,
      rank,
      rows,
      columns: (row) => (row % s < width ? channels(Math.floor(row / s)) : 0),
    });
  const parts = [
    part((row) => squares + (row < fullRows ? 1 : 0), s),
    part((row) => (row === fullRows ? 1 : 0), inLastRow),
  ];
  return parts.reduce(joinMoments);
}

/** How often each of `decoded` entries occurs where they are repeated from the beginning to make `wanted`. */
function occurrences(wanted: number, decoded: number): Occurrences {
  const whole = Math.floor(wanted / decoded);
  const more = wanted % decoded;
  return (entry) => whole + (entry < more ? 1 : 0);
}
