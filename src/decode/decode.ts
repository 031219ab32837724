/** Decoding: fills a tile of a tensor from its recipes. Runs in a worker thread. */

import { fillByRule } from './decode-by-rule';
import { fillDense } from './decode-dense';
import { fillLowRank } from './decode-low-rank';
import { fillStored, fillStoredDense } from './decode-stored';
import type { DecodeContext, TilePart } from './tile-part';

/** Fills one part of a tile; `tile` is row-major with `tileColumns` columns. */
export async function decodePart(
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const { recipe } = part;
  switch (recipe.kind) {
    case 'fill':
      fillByRule(recipe, part, context.stream, tile, tileColumns);
      return;
    case 'matrix':
    case 'kernel':
    case 'position':
    case 'vector':
      if (part.stored !== undefined) return fillStored(recipe, part.stored, part, context, tile, tileColumns);
      return fillLowRank(recipe, part, context, tile, tileColumns);
    case 'dense_kernel':
    case 'dense_position':
    case 'dense_vector':
    case 'dense_class':
      if (part.stored !== undefined)
        return fillStoredDense(recipe, part.stored, part, context, tile, tileColumns);
      return fillDense(recipe, part, context.sessions, tile, tileColumns);
  }
}
