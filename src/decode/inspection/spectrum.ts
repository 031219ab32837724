/** The singular values of a tensor that is joined from products of low rank, from the factors of its blocks. */

import { decodedEntry } from '../../plan/cycle';
import { isTranspose } from '../../plan/factors';
import type { Placement } from '../../plan/layout';
import type { PlannedTensor } from '../../plan/planned-tensor';
import type { MatrixRecipe, Stored } from '../../plan/recipe';
import type { Factors } from '../../hypernet/sessions';
import { scaleOf } from '../scale';
import { singularValuesOf, triangleOf } from './singular-values';

/** Largest sum of the ranks of a tensor's blocks: a thread is busy for half a second with it. */
export const MAX_SPECTRUM_RANK = 256;

/** A block of a matrix that is a product of low rank. */
export interface LowRankPiece extends Placement {
  readonly recipe: MatrixRecipe;
  readonly transposed: boolean;
}

/** A block and its factors. */
export interface FactoredPiece extends LowRankPiece {
  readonly factors: Factors;
}

/** Singular values in descending order, and the sum of the squares of all of them. */
export interface SpectrumValues {
  readonly values: Float64Array;
  readonly rank: number;
  readonly squares: number;
}

/** The blocks of a tensor whose spectrum follows from its factors; undefined where it does not. */
export function lowRankPieces(
  tensor: Pick<PlannedTensor, 'pieces' | 'shape' | 'box'>,
  rank: number,
): readonly LowRankPiece[] | undefined {
  const { pieces, shape, box } = tensor;
  const isWhole = box?.shape.every((size, dimension) => size === shape[dimension]) === true;
  if (!isWhole || pieces.length === 0 || pieces.length * rank > MAX_SPECTRUM_RANK) return undefined;
  const found: LowRankPiece[] = [];
  for (const { recipe, stored, row, rows, column, columns } of pieces) {
    if (recipe.kind !== 'matrix' || !isPlainOrTransposed(stored)) return undefined;
    found.push({ recipe, transposed: stored !== undefined, row, rows, column, columns });
  }
  return found;
}

/** Every block has columns of its own in two tall factors, of which the tensor [rows, columns] is the product. */
export function spectrumOf(
  pieces: readonly FactoredPiece[],
  { rows, columns }: { readonly rows: number; readonly columns: number },
  rank: number,
): SpectrumValues {
  const width = pieces.length * rank;
  const left = pieces.map((piece) => sideOf(piece, piece.row, piece.rows, piece.transposed, rank));
  const right = pieces.map((piece) => sideOf(piece, piece.column, piece.columns, !piece.transposed, rank));
  const write =
    (sides: readonly Side[]) =>
    (row: number, target: Float64Array, at: number): void => {
      for (const [index, side] of sides.entries()) side(row, target, at + index * rank);
    };
  const r = triangleOf(rows, width, write(left));
  const s = triangleOf(columns, width, write(right));
  const values = singularValuesOf(r, s, width);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return { values, rank: Math.min(width, rows, columns), squares };
}

/** Writes a row of one block's columns in a tall factor; rows outside the block are zero already. */
type Side = (row: number, target: Float64Array, at: number) => void;

function sideOf(
  { recipe, factors }: FactoredPiece,
  first: number,
  count: number,
  isB: boolean,
  rank: number,
): Side {
  const { m, n, cycles } = recipe;
  const [factor, decoded, cycle] = isB ? [factors.b, n, cycles?.columns] : [factors.a, m, cycles?.rows];
  const scale = isB ? 1 : scaleOf(recipe, factors, rank);
  return (row, target, at) => {
    if (row < first || row >= first + count) return;
    const source = decodedEntry(row - first, decoded, cycle) * rank;
    for (let k = 0; k < rank; k++) target[at + k] = (factor[source + k] as number) * scale;
  };
}

function isPlainOrTransposed(stored: Stored | undefined): boolean {
  return stored === undefined || isTranspose(stored);
}
