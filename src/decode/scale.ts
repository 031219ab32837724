/** What a predicted weight is multiplied with, from what `plan/recipe-for.ts` decided. */

import type { Factors } from '../hypernet/sessions';
import { momentsOf } from './block-moments';
import type { ScaledRecipe } from '../plan/recipe';
import { standardDeviation } from './moments';

/** Keeps a constant block finite. Source: `GHN3_GPT._normalize` of the LoGAH authors. */
const LEAST_DEVIATION = 1e-7;

/**
 * The factor of a block, from its whole factors, whatever of it is decoded: every slice has the same. `factors` are
 * those that the recipe needs, with `rank` columns.
 */
export function scaleOf(recipe: ScaledRecipe, factors: Factors, rank: number): number {
  if (typeof recipe.scale === 'number') return recipe.scale;
  const deviation = standardDeviation(momentsOf(recipe, recipe.scale, factors, rank));
  return recipe.scale.target / (deviation + LEAST_DEVIATION);
}
