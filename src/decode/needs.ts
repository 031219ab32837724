/** What a job's items need of the hypernetwork, so that it can be decoded at once. */

import type { FactorNeed } from './factor-store';
import { needOf } from './need';
import type { CoreItem, FactorsItem, TileItem } from './worker-protocol';

/** The factors that an item needs. */
export function needsOf(item: TileItem | FactorsItem | CoreItem, requestKey: string): FactorNeed[] {
  switch (item.kind) {
    case 'tile':
      return item.parts.flatMap(({ recipe, embedding }) => needOf(recipe, embedding, requestKey) ?? []);
    case 'factors':
      return item.blocks.flatMap(({ recipe, embedding }) => needOf(recipe, embedding, requestKey) ?? []);
    case 'core':
      // Only a scale that the architecture gives, and the deviation that noise is measured by, depend on the elements.
      return item.blocks.flatMap((block) => {
        if (block.kind !== 'product') return [];
        const { scaled, noise, embedding } = block;
        const isMeasured = scaled !== undefined && typeof scaled.scale !== 'number';
        return [
          ...(isMeasured ? [needOf(scaled, embedding, requestKey) ?? []].flat() : []),
          ...(noise === undefined || noise.lift === 0
            ? []
            : [needOf(noise.of.recipe, noise.of.embedding, requestKey) ?? []].flat()),
        ];
      });
  }
}
