/**
 * Decoding with GHN-3's dense decoder: tiling and scaling of its blocks. Runs in a worker thread.
 *
 * Source: ghn3 `ConvDecoder3` and `GHN3._tile_params` (arXiv 2303.04143).
 */

import type { BundleSessions } from '../hypernet/sessions';
import type {
  DenseClassRecipe,
  DenseKernelRecipe,
  DensePositionRecipe,
  DenseVectorRecipe,
} from '../plan/recipe';
import { decodedEntry } from '../plan/cycle';
import { squashOf } from './squash';
import type { TilePart } from './tile-part';

/** Of a block that a dense decoder makes. */
export type DenseRecipe = DenseClassRecipe | DenseKernelRecipe | DensePositionRecipe | DenseVectorRecipe;

/** Fills a part of a tile; blocks are small (max_shape), so each tile decodes the whole block again. */
export async function fillDense(
  recipe: DenseRecipe,
  part: TilePart,
  sessions: BundleSessions,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const value = await elementAt(recipe, part.embedding, sessions);
  for (let row = 0; row < part.rows; row++) {
    const target = (part.row + row) * tileColumns + part.column;
    for (let column = 0; column < part.columns; column++) {
      tile[target + column] = value(part.pieceRow + row, column);
    }
  }
}

/** The piece's element at (row, column) of its matrix view. */
export async function elementAt(
  recipe: DenseRecipe,
  embedding: Float32Array,
  sessions: BundleSessions,
): Promise<(row: number, column: number) => number> {
  const { rows: rowCycle, columns: columnCycle } = recipe.cycles ?? {};
  switch (recipe.kind) {
    case 'dense_vector': {
      const values = await sessions.denseVector(embedding, recipe.output);
      const start = (recipe.row * values.length) / 2;
      const squash = squashOf(recipe.row);
      const { length, factor = 1, shift = 0 } = recipe;
      return (row) => squash(values[start + decodedEntry(row, length, rowCycle)] as number) * factor + shift;
    }
    case 'dense_class': {
      const { m, n, scale } = recipe;
      const values = await sessions.denseClassWeight(embedding, n);
      return (row, column) => {
        const at = decodedEntry(row, m, rowCycle) * n + decodedEntry(column, n, columnCycle);
        return (values[at] as number) * scale;
      };
    }
    case 'dense_position': {
      const { c, s, scale } = recipe;
      const values = await sessions.denseKernel(embedding, [1, c, s, s]);
      return (row, column) => {
        const at = decodedEntry(column, c, columnCycle) * s * s + (row % (s * s));
        return (values[at] as number) * scale;
      };
    }
    case 'dense_kernel': {
      const { decoded, scale } = recipe;
      const [o, i, height, width] = decoded;
      const values = await sessions.denseKernel(embedding, decoded);
      const plane = height * width;
      return (row, column) => {
        const output = decodedEntry(row, o, rowCycle);
        const input = decodedEntry(Math.floor(column / plane), i, columnCycle);
        return (values[(output * i + input) * plane + (column % plane)] as number) * scale;
      };
    }
  }
}
