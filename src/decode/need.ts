import { factorRows } from '../plan/factor-rows';
import type { Recipe } from '../plan/recipe';
import type { FactorNeed } from './factor-store';

/** The factors that a recipe is a product of; undefined for what is none. */
export function needOf(recipe: Recipe, embedding: Float32Array, requestKey: string): FactorNeed | undefined {
  const rows = factorRows(recipe);
  if (rows === undefined || recipe.kind === 'fill') return undefined;
  const [a, b] = rows;
  const { node, slot } = recipe;
  const key = `${requestKey}/${node}/${slot}/${a.first}+${a.count}/${b.count}`;
  return { key, embedding, slot, a, b };
}
