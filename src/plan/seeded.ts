/** What of a network the seed has a part in. */

import { isRandom } from '../graph/filling';
import type { TensorContent } from './plan-tensor';
import type { FillRecipe, Recipe } from './recipe';

/** What of a recipe noise is added to: what is predicted, without vectors. */
export function isLifted(
  recipe: Recipe,
): recipe is Exclude<Recipe, FillRecipe | { readonly kind: 'vector' | 'dense_vector' }> {
  return recipe.kind !== 'fill' && recipe.kind !== 'vector' && recipe.kind !== 'dense_vector';
}

/** Elements that a random rule fills and, where `lift` is above 0, those that noise is added to. */
export function seededElements(tensors: readonly Pick<TensorContent, 'pieces'>[], lift: number): number {
  let elements = 0;
  for (const { pieces } of tensors) {
    for (const { recipe, rows, columns } of pieces) {
      const isSeeded = recipe.kind === 'fill' ? isRandom(recipe) : lift > 0 && isLifted(recipe);
      if (isSeeded) elements += rows * columns;
    }
  }
  return elements;
}
