/** The standard deviation of a predicted block's own elements, as the network gets them. Runs in a worker thread. */

import { momentsOf } from './block-moments';
import { elementCount } from '../graph/graph';
import { decodedEntry } from '../plan/cycle';
import { elementAt, type DenseRecipe } from './decode-dense';
import { factorsOf, keptScale } from './decode-low-rank';
import { standardDeviation, type Moments } from './moments';
import type { DenseVectorRecipe, FillRecipe, Recipe, ScaledRecipe, VectorRecipe } from '../plan/recipe';
import type { DecodeContext, TilePart } from './tile-part';

/** A dense decoder's block of two or more dimensions. */
type DenseBlockRecipe = Exclude<DenseRecipe, DenseVectorRecipe>;

/** A predicted block of two or more dimensions. */
export type BlockRecipe = Exclude<Recipe, FillRecipe | VectorRecipe | DenseVectorRecipe>;

/**
 * The unbiased standard deviation of the whole piece that the part is of, repetitions included; 0 for a single element.
 * Of a product it comes from the factors, never from the elements, and is kept for the piece's other tiles.
 */
export function deviationOf(recipe: BlockRecipe, part: TilePart, context: DecodeContext): Promise<number> {
  const { pieceRows, columns } = decodedExtent(part);
  if (pieceRows * columns === 1) return Promise.resolve(0);
  const key = `${context.requestKey}/deviation/${pieceRows}/${columns}/${JSON.stringify(recipe)}`;
  return context.scales.getLater(key, async () => {
    switch (recipe.kind) {
      case 'matrix':
      case 'kernel':
      case 'position':
        return productDeviation(recipe, part, context);
      case 'dense_kernel':
      case 'dense_position':
      case 'dense_class':
        return standardDeviation(await denseMoments(recipe, part, context));
    }
  });
}

async function productDeviation(
  recipe: ScaledRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<number> {
  const factors = await factorsOf(recipe, part, context);
  const { pieceRows, columns } = decodedExtent(part);
  const second = recipe.kind === 'kernel' ? columns / (recipe.h * recipe.w) : columns;
  const extent = { first: pieceRows, second };
  const moments = momentsOf(recipe, extent, factors, context.rank, recipe.cycles);
  return Math.abs(keptScale(recipe, context, factors)) * standardDeviation(moments);
}

/** Rows and columns of the whole piece as it is decoded. */
function decodedExtent({ stored, pieceRows, columns }: TilePart): { pieceRows: number; columns: number } {
  if (stored === undefined) return { pieceRows, columns };
  const [first = 1, ...rest] = stored.groups.map((group) =>
    elementCount(group.map((at) => stored.shape[at] ?? 1)),
  );
  return { pieceRows: first, columns: elementCount(rest) };
}

/** Of a block that is decoded whole: each decoded element counts as often as it occurs. */
async function denseMoments(
  recipe: DenseBlockRecipe,
  part: TilePart,
  { sessions }: DecodeContext,
): Promise<Moments> {
  const { embedding } = part;
  const { pieceRows, columns } = decodedExtent(part);
  const value = await elementAt(recipe, embedding, sessions);
  const { row, column } = decodedEntries(recipe);
  const distinctRows = distinct(pieceRows, row);
  const distinctColumns = distinct(columns, column);
  const sum = (term: (element: number) => number): number => {
    let total = 0;
    for (const inRows of distinctRows) {
      let inRow = 0;
      for (const { index, times } of distinctColumns) inRow += times * term(value(inRows.index, index));
      total += inRows.times * inRow;
    }
    return total;
  };
  const count = pieceRows * columns;
  const mean = sum((element) => element) / count;
  return { count, mean, squares: sum((element) => (element - mean) ** 2) };
}

type EntryOf = (index: number) => number;

/** Which decoded row and column a row and a column of the block are. */
function decodedEntries(recipe: DenseBlockRecipe): { row: EntryOf; column: EntryOf } {
  const { rows, columns } = recipe.cycles ?? {};
  switch (recipe.kind) {
    case 'dense_class':
      return {
        row: (index) => decodedEntry(index, recipe.m, rows),
        column: (index) => decodedEntry(index, recipe.n, columns),
      };
    case 'dense_position':
      return {
        row: (index) => index % recipe.s ** 2,
        column: (index) => decodedEntry(index, recipe.c, columns),
      };
    case 'dense_kernel': {
      const [o, i, height, width] = recipe.decoded;
      const plane = height * width;
      return {
        row: (index) => decodedEntry(index, o, rows),
        column: (index) => decodedEntry(Math.floor(index / plane), i, columns) * plane + (index % plane),
      };
    }
  }
}

/** The first of `size` indices with each decoded entry, and how many have it. */
function distinct(size: number, entryOf: EntryOf): { readonly index: number; times: number }[] {
  const found = new Map<number, { readonly index: number; times: number }>();
  for (let index = 0; index < size; index++) {
    const entry = entryOf(index);
    const known = found.get(entry);
    if (known === undefined) found.set(entry, { index, times: 1 });
    else known.times += 1;
  }
  return [...found.values()];
}
