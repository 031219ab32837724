/** What of a network the seed has a part in. */

import { isRandom } from '../graph/filling';
import { isNoisyPiece } from './blend/lifted';
import type { TensorContent } from './plan-tensor';

/** Elements that a random rule fills, and those that noise is added to. */
export function seededElements(tensors: readonly Pick<TensorContent, 'pieces'>[], lift: number): number {
  let elements = 0;
  for (const { pieces } of tensors) {
    for (const piece of pieces) {
      const { recipe, rows, columns } = piece;
      const isSeeded = recipe.kind === 'fill' ? isRandom(recipe) : isNoisyPiece(piece, lift);
      if (isSeeded) elements += rows * columns;
    }
  }
  return elements;
}
