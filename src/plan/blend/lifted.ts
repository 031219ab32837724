/** To what of a network noise is added. */

import type { FillRecipe, Recipe } from '../recipe';

/** What may be lifted, and strengthened: what is predicted, without vectors. */
export function isLifted(
  recipe: Recipe,
): recipe is Exclude<Recipe, FillRecipe | { readonly kind: 'vector' | 'dense_vector' }> {
  return recipe.kind !== 'fill' && recipe.kind !== 'vector' && recipe.kind !== 'dense_vector';
}

/** Whether noise is added to a piece: as strong as `lift` asks for, or `base` (a deviation; undefined: none). */
export function isNoisyPiece(
  { recipe, base }: { readonly recipe: Recipe; readonly base?: number | undefined },
  lift: number,
): boolean {
  return isLifted(recipe) && (lift > 0 || base !== undefined);
}
