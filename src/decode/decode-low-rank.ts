/**
 * Decoding with LoGAH's factors: matrices, kernels, position embeddings and vectors. Runs in a worker thread.
 *
 * An element's bits do not depend on the tile that it is decoded in, since those of the product and the expansion do not.
 */

import type { Factors } from '../hypernet/sessions';
import { decodedEntry } from '../plan/cycle';
import type { KernelRecipe, MatrixRecipe, PositionRecipe, VectorRecipe } from '../plan/recipe';
import { decodeFactors } from './factors';
import { needOf } from './need';
import { productOf } from './products';
import { scaleOf } from './scale';
import { squashOf } from './squash';
import type { Tile } from './tile';
import type { DecodeContext, TilePart } from './tile-part';
import type { Columns, Rows } from '../product/multiplier';
import { productElement } from '../vector-product';

export type LowRankRecipe = KernelRecipe | MatrixRecipe | PositionRecipe | VectorRecipe;

/** Fills a part of a tile from the factors of its node. */
export async function fillLowRank(
  recipe: LowRankRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  switch (recipe.kind) {
    case 'matrix':
      return fillMatrix(recipe, part, context, tile);
    case 'kernel':
      return fillKernel(recipe, part, context, tile);
    case 'position':
      return fillPositions(recipe, part, context, tile);
    case 'vector':
      return fillVector(recipe, part, context, tile);
  }
}

/** Rows of a part, which a product makes one behind the other. */
export interface ProductRows {
  readonly left: Rows;
  readonly right: Columns;
  /** Columns of the product. */
  readonly columns: number;
}

/** The rows of a part of a matrix, before columns beyond the decoded ones repeat them. */
export async function matrixRows(
  recipe: MatrixRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<ProductRows> {
  const { m, n } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  const cycle = recipe.cycles?.rows;
  const at = (row: number): number => decodedEntry(part.pieceRow + row, m, cycle);
  return { left: { values: a, at, scale }, right: { values: b, scale: 1 }, columns: n };
}

async function fillMatrix(
  recipe: MatrixRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const { n } = recipe;
  const { left, right } = await matrixRows(recipe, part, context);
  const product = await productOf(left, part.rows, right, context);
  const columnCycle = recipe.cycles?.columns;
  if (part.columns === n && n === tile.columns && columnCycle === undefined) {
    tile.setRows(part.row, product);
    return;
  }
  const { values } = tile;
  // Columns beyond the decoded ones repeat them: copying costs a fraction of computing them again.
  for (let row = 0; row < part.rows; row++) {
    const target = (part.row + row) * tile.columns + part.column;
    for (let column = 0, count: number; column < part.columns; column += count) {
      const source = decodedEntry(column, n, columnCycle);
      const { period } = columnCycle ?? { period: part.columns };
      count = Math.min(n - source, period - (column % period), part.columns - column);
      values.set(product.subarray(row * n + source, row * n + source + count), target + column);
    }
  }
}

async function fillKernel(
  recipe: KernelRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const { o, i, h, w } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  const at = (row: number): number =>
    decodedEntry(part.pieceRow + Math.floor(row / h), o, recipe.cycles?.rows) * h + (row % h);
  const rows = { values: a, at, scale };
  const product = await productOf(rows, part.rows * h, { values: b, scale: 1 }, context);
  const { values } = tile;
  const channels = part.columns / (h * w);
  for (let row = 0; row < part.rows; row++) {
    let target = (part.row + row) * tile.columns + part.column;
    for (let channel = 0; channel < channels; channel++) {
      const input = decodedEntry(channel, i, recipe.cycles?.columns);
      for (let y = 0; y < h; y++) {
        const source = (row * h + y) * i * w + input * w;
        for (let x = 0; x < w; x++) values[target++] = product[source + x] as number;
      }
    }
  }
}

async function fillPositions(
  recipe: PositionRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const { c, s } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  // Rows of the square that the part's tokens lie in, the square repeated for ever.
  const first = Math.floor(part.pieceRow / s);
  const last = Math.floor((part.pieceRow + part.rows - 1) / s);
  const count = last - first + 1;
  const rows = { values: a, at: (row: number): number => (first + row) % s, scale };
  const product = await productOf(rows, count, { values: b, scale: 1 }, context);
  const { values } = tile;
  for (let row = 0; row < part.rows; row++) {
    const token = part.pieceRow + row;
    const source = (Math.floor(token / s) - first) * c * s + (token % s);
    const target = (part.row + row) * tile.columns + part.column;
    for (let channel = 0; channel < part.columns; channel++) {
      const decoded = decodedEntry(channel, c, recipe.cycles?.columns);
      values[target + channel] = product[source + decoded * s] as number;
    }
  }
}

async function fillVector(
  recipe: VectorRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const valueAt = await vectorValues(recipe, part, context);
  const { values } = tile;
  for (let index = 0; index < part.rows; index++) values[part.row + index] = valueAt(part.pieceRow + index);
}

/** The elements of a vector by their index in the piece. */
export async function vectorValues(
  recipe: VectorRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<(index: number) => number> {
  const { row, length, layout, cycles, factor = 1, shift = 0 } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const { rank } = context;
  const squash = squashOf(row);
  return (index) => {
    const at = decodedEntry(index, length, cycles?.rows);
    const value = layout === 'pair' ? productElement(a, at, b, row, rank) : productElement(a, at, b, 0, rank);
    return squash(value) * factor + shift;
  };
}

/** The factors of the part's recipe. */
export async function factorsOf(
  recipe: LowRankRecipe,
  { embedding }: TilePart,
  { factors, requestKey, sessions, sizes }: DecodeContext,
): Promise<Factors> {
  const need = needOf(recipe, embedding, requestKey);
  if (need === undefined) throw new Error(`a block of kind ${recipe.kind} has no factors`);
  const kept = factors.get(need.key);
  if (kept !== undefined) return kept;
  const [made] = await decodeFactors([need], sessions, sizes);
  if (made === undefined) throw new Error('nothing was decoded');
  return made;
}

/** The block's scale, from its whole factors. */
export function keptScale(
  recipe: KernelRecipe | MatrixRecipe | PositionRecipe,
  { scales, rank, requestKey }: DecodeContext,
  factors: Factors,
): number {
  if (typeof recipe.scale === 'number') return recipe.scale;
  const key = `${requestKey}/${JSON.stringify(recipe)}`;
  return scales.get(key, () => scaleOf(recipe, factors, rank));
}
