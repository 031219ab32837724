/** The strength of a prediction, as a part of what is decoded. */

import { isLifted } from './lifted';
import type { Recipe } from '../recipe';

/**
 * The recipe of what lies `strength` of the way from `centre`, around which the default start lies, to the prediction.
 * A block of two or more dimensions starts around zero. Its scale is applied in any case, to one factor of a product and
 * in the rounding that there is anyway, so factors and cores have the strength, too.
 */
export function strengthened(recipe: Recipe, strength: number, centre: number): Recipe {
  if (strength === 1 || recipe.kind === 'fill') return recipe;
  if (!isLifted(recipe)) {
    const { factor = 1 } = recipe;
    return { ...recipe, factor: factor * strength, shift: (1 - strength) * centre };
  }
  const { scale } = recipe;
  const scaled = typeof scale === 'number' ? scale * strength : { ...scale, target: scale.target * strength };
  // The kinds of scale belong to kinds of recipe, which stay as they are.
  return { ...recipe, scale: scaled } as Recipe;
}
