/** The strength of a prediction, as a part of its scale. */

import { isLifted } from './lifted';
import type { Recipe } from './recipe';

/**
 * The recipe of `strength` times as much. A scale is applied in any case, to one factor of a product and in the rounding
 * that there is anyway, so factors and cores have it, too.
 */
export function strengthened(recipe: Recipe, strength: number): Recipe {
  if (strength === 1 || !isLifted(recipe)) return recipe;
  const { scale } = recipe;
  const scaled = typeof scale === 'number' ? scale * strength : { ...scale, target: scale.target * strength };
  // The kinds of scale belong to kinds of recipe, which stay as they are.
  return { ...recipe, scale: scaled } as Recipe;
}
