/** What a job's items need of the hypernetwork, so that it can be decoded at once. */

import { factorRows } from '../plan/factor-rows';
import type { Recipe } from '../plan/recipe';
import type { FactorNeed } from './factor-store';
import type { FillItem } from './worker-protocol';

/** The factors that an item needs. */
export function needsOf(item: FillItem, requestKey: string): FactorNeed[] {
  switch (item.kind) {
    case 'tile':
      return item.parts.flatMap(({ recipe, embedding }) => needOf(recipe, embedding, requestKey) ?? []);
    case 'factors':
      return item.blocks.flatMap(({ recipe, embedding }) => needOf(recipe, embedding, requestKey) ?? []);
    case 'core':
      // Only a scale that the architecture gives depends on the elements.
      return item.blocks.flatMap((block) => {
        if (block.kind !== 'product' || block.scaled === undefined) return [];
        return typeof block.scaled.scale === 'number'
          ? []
          : (needOf(block.scaled, block.embedding, requestKey) ?? []);
      });
  }
}

/** Undefined for what is no product. */
export function needOf(recipe: Recipe, embedding: Float32Array, requestKey: string): FactorNeed | undefined {
  const rows = factorRows(recipe);
  if (rows === undefined || recipe.kind === 'fill') return undefined;
  const [a, b] = rows;
  const { node, slot } = recipe;
  const key = `${requestKey}/${node}/${slot}/${a.first}+${a.count}/${b.count}`;
  return { key, embedding, slot, a, b };
}
