/** Decoding: fills a tile of a tensor from its recipes. Runs in a worker thread. */

import { fillByRule } from './decode-by-rule';
import { fillDense } from './decode-dense';
import { fillLowRank } from './decode-low-rank';
import { fillStored, fillStoredDense } from './decode-stored';
import type { Tile } from './tile';
import type { DecodeContext, TilePart } from './tile-part';

/** Fills one part of a tile. */
export async function decodePart(part: TilePart, context: DecodeContext, tile: Tile): Promise<void> {
  const { recipe } = part;
  switch (recipe.kind) {
    case 'fill':
      fillByRule(recipe, part, context.stream, tile.values, tile.columns);
      return;
    case 'matrix':
    case 'kernel':
    case 'position':
    case 'vector':
      if (part.stored !== undefined) return fillStored(recipe, part.stored, part, context, tile);
      return fillLowRank(recipe, part, context, tile);
    case 'dense_kernel':
    case 'dense_position':
    case 'dense_vector':
    case 'dense_class':
      if (part.stored !== undefined) return fillStoredDense(recipe, part.stored, part, context, tile);
      return fillDense(recipe, part, context.sessions, tile.values, tile.columns);
  }
}
