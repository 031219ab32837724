/**
 * Decoding with LoGAH's factors: matrices, kernels, position embeddings and vectors. Runs in a worker thread.
 *
 * An element's bits must not depend on the tile that it is decoded in. ONNX Runtime's product has that property as
 * long as it is given two rows or more: a single row takes another kernel, so a lone row is computed twice.
 */

import type { Factors } from '../hypernet/sessions';
import { decodedEntry } from '../plan/cycle';
import type { KernelRecipe, MatrixRecipe, PositionRecipe, VectorRecipe } from '../plan/recipe';
import { decodeFactors } from './factors';
import { needOf } from './needs';
import { scaleOf } from './scale';
import type { Scratch } from '../scratch';
import { squashOf } from './squash';
import type { DecodeContext, TilePart } from './tile-part';
import { productElement } from '../vector-product';

export type LowRankRecipe = KernelRecipe | MatrixRecipe | PositionRecipe | VectorRecipe;

/** Fills a part of a tile from the factors of its node. */
export async function fillLowRank(
  recipe: LowRankRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  switch (recipe.kind) {
    case 'matrix':
      return fillMatrix(recipe, part, context, tile, tileColumns);
    case 'kernel':
      return fillKernel(recipe, part, context, tile, tileColumns);
    case 'position':
      return fillPositions(recipe, part, context, tile, tileColumns);
    case 'vector':
      return fillVector(recipe, part, context, tile);
  }
}

async function fillMatrix(
  recipe: MatrixRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const { m, n } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  const { scratch, rank } = context;
  const { rows: rowCycle, columns: columnCycle } = recipe.cycles ?? {};
  const rowAt = (row: number): number => decodedEntry(part.pieceRow + row, m, rowCycle);
  const rows = gatherRows(a, rank, scratch.rows, part.rows, rowAt, scale);
  if (part.columns === n && n === tileColumns && columnCycle === undefined) {
    await multiply(context, rows, b, tile.subarray(part.row * n, (part.row + part.rows) * n));
    return;
  }
  const product = scratch.product.take(part.rows * n);
  await multiply(context, rows, b, product);
  // Columns beyond the decoded ones repeat them: copying costs a fraction of computing them again.
  for (let row = 0; row < part.rows; row++) {
    const target = (part.row + row) * tileColumns + part.column;
    for (let column = 0, count: number; column < part.columns; column += count) {
      const source = decodedEntry(column, n, columnCycle);
      const { period } = columnCycle ?? { period: part.columns };
      count = Math.min(n - source, period - (column % period), part.columns - column);
      tile.set(product.subarray(row * n + source, row * n + source + count), target + column);
    }
  }
}

async function fillKernel(
  recipe: KernelRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const { o, i, h, w } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  const rows = gatherRows(
    a,
    context.rank,
    context.scratch.rows,
    part.rows * h,
    (row) => decodedEntry(part.pieceRow + Math.floor(row / h), o, recipe.cycles?.rows) * h + (row % h),
    scale,
  );
  const product = context.scratch.product.take(part.rows * h * i * w);
  await multiply(context, rows, b, product);
  const channels = part.columns / (h * w);
  for (let row = 0; row < part.rows; row++) {
    let target = (part.row + row) * tileColumns + part.column;
    for (let channel = 0; channel < channels; channel++) {
      const input = decodedEntry(channel, i, recipe.cycles?.columns);
      for (let y = 0; y < h; y++) {
        const source = (row * h + y) * i * w + input * w;
        for (let x = 0; x < w; x++) tile[target++] = product[source + x] as number;
      }
    }
  }
}

async function fillPositions(
  recipe: PositionRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
  tileColumns: number,
): Promise<void> {
  const { c, s } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, { a, b });
  // Rows of the square that the part's tokens lie in, the square repeated for ever.
  const first = Math.floor(part.pieceRow / s);
  const last = Math.floor((part.pieceRow + part.rows - 1) / s);
  const count = last - first + 1;
  const product = context.scratch.product.take(count * c * s);
  const rows = gatherRows(a, context.rank, context.scratch.rows, count, (row) => (first + row) % s, scale);
  await multiply(context, rows, b, product);
  for (let row = 0; row < part.rows; row++) {
    const token = part.pieceRow + row;
    const source = (Math.floor(token / s) - first) * c * s + (token % s);
    const target = (part.row + row) * tileColumns + part.column;
    for (let channel = 0; channel < part.columns; channel++) {
      const decoded = decodedEntry(channel, c, recipe.cycles?.columns);
      tile[target + channel] = product[source + decoded * s] as number;
    }
  }
}

async function fillVector(
  recipe: VectorRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Float32Array,
): Promise<void> {
  const valueAt = await vectorValues(recipe, part, context);
  for (let index = 0; index < part.rows; index++) tile[part.row + index] = valueAt(part.pieceRow + index);
}

/** The elements of a vector by their index in the piece. */
export async function vectorValues(
  recipe: VectorRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<(index: number) => number> {
  const { row, length, rounded, layout, cycles, factor = 1 } = recipe;
  const { a, b } = await factorsOf(recipe, part, context);
  const { rank } = context;
  const squash = squashOf(row);
  return (index) => {
    const at = decodedEntry(index, length, cycles?.rows);
    const value =
      layout === 'pair'
        ? productElement(a, at, b, row, rank)
        : productElement(a, row * rounded + at, b, 0, rank);
    return squash(value) * factor;
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

/** `count` rows [count, width] in `scratch`: row k is row `rowAt(k)` of `matrix` [*, width] times `scale`. */
export function gatherRows(
  matrix: Float32Array,
  width: number,
  scratch: Scratch,
  count: number,
  rowAt: (index: number) => number,
  scale: number,
): Float32Array {
  const gathered = scratch.take(count * width);
  for (let index = 0; index < count; index++) {
    const source = rowAt(index) * width;
    const target = index * width;
    for (let k = 0; k < width; k++) gathered[target + k] = (matrix[source + k] as number) * scale;
  }
  return gathered;
}

export async function multiply(
  context: DecodeContext,
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
): Promise<void> {
  if (a.length > context.rank) {
    await context.sessions.product(a, b, out);
    return;
  }
  const twice = new Float32Array(2 * a.length);
  twice.set(a);
  twice.set(a, a.length);
  const both = new Float32Array(2 * out.length);
  await context.sessions.product(twice, b, both);
  out.set(both.subarray(0, out.length));
}
