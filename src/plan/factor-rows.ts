import type { FactorRows } from '../expansion-window';
import type { Recipe, ScaledRecipe, VectorRecipe } from './recipe';

/** The rows of A and of B that a product is made of; undefined for what is none. */
export function factorRows(recipe: ScaledRecipe | VectorRecipe): readonly [a: FactorRows, b: FactorRows];
export function factorRows(recipe: Recipe): readonly [a: FactorRows, b: FactorRows] | undefined;
export function factorRows(recipe: Recipe): readonly [a: FactorRows, b: FactorRows] | undefined {
  switch (recipe.kind) {
    case 'matrix':
      return [firstRows(recipe.m), firstRows(recipe.n)];
    case 'kernel':
      return [firstRows(recipe.o * recipe.h), firstRows(recipe.i * recipe.w)];
    case 'position':
      return [firstRows(recipe.s), firstRows(recipe.c * recipe.s)];
    case 'vector': {
      const { layout, row, rounded, length } = recipe;
      if (layout === 'pair') return [firstRows(length), firstRows(2)];
      return [{ first: row * rounded, count: length }, firstRows(1)];
    }
    case 'fill':
    case 'dense_kernel':
    case 'dense_position':
    case 'dense_vector':
    case 'dense_class':
      return undefined;
  }
}

function firstRows(count: number): FactorRows {
  return { first: 0, count };
}
