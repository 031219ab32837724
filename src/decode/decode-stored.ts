/**
 * Decoding into tensors that are stored otherwise than they are predicted: [in, out] for a layer's [out, in], a kernel as
 * [height, width, in, out]. An element has the very bits that it has in the framework's order. Runs in a worker thread.
 */

import { isTranspose } from '../plan/factors';
import type { MatrixRecipe, Stored, VectorRecipe } from '../plan/recipe';
import { elementAt, type DenseRecipe } from './decode-dense';
import { factorsOf, keptScale, vectorValues, type LowRankRecipe, type ProductRows } from './decode-low-rank';
import { gatherRows, productOf } from './products';
import type { Tile } from './tile';
import type { DecodeContext, TilePart } from './tile-part';

/** Entries of some dimensions of what is decoded, and how far each lies from the tile's beginning. */
interface Entries {
  /** One of each dimension asked for. */
  readonly indices: readonly (readonly number[])[];
  readonly offsets: readonly number[];
}

/** Fills a part of a tile from the factors of its node. */
export async function fillStored(
  recipe: LowRankRecipe,
  stored: Stored,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const entries = (dimensions: readonly number[]): Entries =>
    entriesOf(dimensions, stored, part, tile.columns);
  switch (recipe.kind) {
    case 'matrix':
      if (isExchanged(recipe, stored)) {
        return fillTranspose(recipe, part, context, tile);
      }
      return fillProduct(
        { recipe, columns: recipe.n },
        { ...entries([0]), at: ([out = 0]) => out % recipe.m },
        { ...entries([1]), at: ([input = 0]) => input % recipe.n },
        { part, context, tile },
      );
    case 'kernel': {
      const { o, i, h, w } = recipe;
      return fillProduct(
        { recipe, columns: i * w },
        { ...entries([0, 2]), at: ([out = 0, y = 0]) => (out % o) * h + y },
        { ...entries([1, 3]), at: ([input = 0, x = 0]) => (input % i) * w + x },
        { part, context, tile },
      );
    }
    case 'vector':
      return fillVector(recipe, entries([0]), part, context, tile);
    case 'position':
      throw new Error('positions are stored as they are decoded');
  }
}

/** Fills a part of a tile from what a dense decoder makes. */
export async function fillStoredDense(
  recipe: DenseRecipe,
  stored: Stored,
  part: TilePart,
  { sessions }: DecodeContext,
  tile: Tile,
): Promise<void> {
  const value = await elementAt(recipe, part.embedding, sessions);
  const sizes = stored.groups.map((group) => group.reduce((size, at) => size * (stored.shape[at] ?? 1), 1));
  const rows = entriesOf([0], stored, part, tile.columns);
  const others = sizes.flatMap((_, dimension) => (dimension === 0 ? [] : [dimension]));
  const columns = entriesOf(others, stored, part, tile.columns);
  const columnOf = (index: readonly number[]): number =>
    index.reduce((column, entry, at) => column * (sizes[at + 1] ?? 1) + entry, 0);
  const { values } = tile;
  rows.indices.forEach(([row = 0], a) => {
    columns.indices.forEach((index, b) => {
      values[(rows.offsets[a] as number) + (columns.offsets[b] as number)] = value(row, columnOf(index));
    });
  });
}

interface Factor extends Entries {
  /** The row of the factor that an entry needs. */
  readonly at: (index: readonly number[]) => number;
}

/** What is made of A · Bᵀ. */
interface Product {
  readonly recipe: Exclude<LowRankRecipe, VectorRecipe>;
  /** Rows of B. */
  readonly columns: number;
}

async function fillProduct(
  { recipe, columns: recipeColumns }: Product,
  left: Factor,
  right: Factor,
  { part, context, tile }: { part: TilePart; context: DecodeContext; tile: Tile },
): Promise<void> {
  const { rank, scratch } = context;
  const factors = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, factors);
  const rows = left.indices.map(left.at);
  const columns = right.indices.map(right.at);
  // A single column takes another kernel than several, and must not be taken for one where there are more.
  if (columns.length === 1 && recipeColumns > 1) columns.push(columns[0] as number);
  const at = (index: number): number => rows[index] as number;
  const b = gatherRows(
    factors.b,
    rank,
    scratch.columns,
    columns.length,
    (index) => columns[index] as number,
    1,
  );
  const ofA = { values: factors.a, at, scale };
  const product = await productOf(ofA, rows.length, { values: b, scale: 1 }, context);
  const { values } = tile;
  left.offsets.forEach((offset, row) => {
    const source = row * columns.length;
    for (let column = 0; column < right.offsets.length; column++) {
      values[offset + (right.offsets[column] as number)] = product[source + column] as number;
    }
  });
}

/** Whether a part is the product of the factors, exchanged. */
export function isExchanged({ m, n }: MatrixRecipe, stored: Stored): boolean {
  return isTranspose(stored) && m > 1 && n > 1;
}

/** A matrix that is stored with rows and columns exchanged is the product of the factors, exchanged. */
export async function transposedRows(
  recipe: MatrixRecipe,
  part: TilePart,
  context: DecodeContext,
): Promise<ProductRows> {
  const { m, n } = recipe;
  const factors = await factorsOf(recipe, part, context);
  const scale = keptScale(recipe, context, factors);
  const at = (row: number): number => (part.pieceRow + row) % n;
  const right = { values: factors.a, scale };
  return { left: { values: factors.b, at, scale: 1 }, right, columns: m };
}

async function fillTranspose(
  recipe: MatrixRecipe,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const { m } = recipe;
  const { left, right } = await transposedRows(recipe, part, context);
  const product = await productOf(left, part.rows, right, context);
  if (part.columns === m && m === tile.columns) {
    tile.setRows(part.row, product);
    return;
  }
  for (let row = 0; row < part.rows; row++) {
    const target = (part.row + row) * tile.columns + part.column;
    for (let column = 0; column < part.columns; column += m) {
      const count = Math.min(m, part.columns - column);
      tile.values.set(product.subarray(row * m, row * m + count), target + column);
    }
  }
}

async function fillVector(
  recipe: VectorRecipe,
  { indices, offsets }: Entries,
  part: TilePart,
  context: DecodeContext,
  tile: Tile,
): Promise<void> {
  const valueAt = await vectorValues(recipe, part, context);
  const { values } = tile;
  indices.forEach(([index = 0], at) => {
    values[offsets[at] as number] = valueAt(index);
  });
}

/**
 * The entries of dimensions of what is decoded that lie in the part, the first dimension slowest. Offsets of entries of
 * all dimensions add up to an element's place in the tile; the tile's own is in those of the first.
 */
function entriesOf(
  dimensions: readonly number[],
  { shape, groups }: Stored,
  part: TilePart,
  tileColumns: number,
): Entries {
  const rowAxis = shape.length === 3 && shape[0] === 1 ? 1 : 0;
  const strides = shape.map((_, axis) =>
    axis === rowAxis ? tileColumns : shape.slice(axis + 1).reduce((product, size) => product * size, 1),
  );
  let indices: number[][] = [[]];
  let offsets: number[] = [dimensions[0] === 0 ? part.row * tileColumns + part.column : 0];
  for (const dimension of dimensions) {
    indices = indices.map((index) => [...index, 0]);
    for (const axis of groups[dimension] ?? []) {
      const size = shape[axis] ?? 1;
      const [first, count] = axis === rowAxis ? [part.pieceRow, part.rows] : [0, size];
      const range = Array.from({ length: count }, (_, at) => at);
      const stride = strides[axis] ?? 1;
      offsets = offsets.flatMap((offset) => range.map((at) => offset + at * stride));
      indices = indices.flatMap((index) =>
        range.map((at) => [...index.slice(0, -1), (index.at(-1) ?? 0) * size + first + at]),
      );
    }
  }
  return { indices, offsets };
}
