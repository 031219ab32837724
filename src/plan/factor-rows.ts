import type { Recipe, ScaledRecipe, VectorRecipe } from './recipe';

/** The rows of A and of B that a product is made of; undefined for what is none. */
export function factorRows(recipe: ScaledRecipe | VectorRecipe): readonly [m: number, n: number];
export function factorRows(recipe: Recipe): readonly [m: number, n: number] | undefined;
export function factorRows(recipe: Recipe): readonly [m: number, n: number] | undefined {
  switch (recipe.kind) {
    case 'matrix':
      return [recipe.m, recipe.n];
    case 'kernel':
      return [recipe.o * recipe.h, recipe.i * recipe.w];
    case 'position':
      return [recipe.s, recipe.c * recipe.s];
    case 'vector':
      return recipe.layout === 'pair' ? [recipe.rounded, 2] : [2 * recipe.rounded, 1];
    case 'fill':
    case 'dense_kernel':
    case 'dense_position':
    case 'dense_vector':
    case 'dense_class':
      return undefined;
  }
}
