/** The singular values of a kernel, or of a matrix that is joined from products of low rank, from the factors of its blocks. */

import { decodedEntry } from '../../plan/cycle';
import { isTranspose } from '../../plan/factors';
import type { Placement } from '../../plan/layout';
import type { PlannedTensor } from '../../plan/planned-tensor';
import type { KernelRecipe, MatrixRecipe, Stored } from '../../plan/recipe';
import type { Factors } from '../../hypernet/sessions';
import { scaleOf } from '../scale';
import { kernelSingularValues, kernelWidth, type MatrixSize } from './kernel-spectrum';
import { singularValuesOf, triangleOf } from './singular-values';

/** Columns of the largest matrix whose singular values are computed, such as the sum of the ranks of blocks: a thread is busy for half a second with it. */
export const MAX_SPECTRUM_RANK = 256;

/** A kernel, or a block of a matrix that is a product of low rank. */
export interface LowRankPiece extends Placement {
  readonly recipe: MatrixRecipe | KernelRecipe;
  readonly transposed: boolean;
}

/** A block and its factors. */
export interface FactoredPiece extends LowRankPiece {
  readonly factors: Factors;
}

/** A block of a matrix and its factors. */
interface FactoredMatrix extends FactoredPiece {
  readonly recipe: MatrixRecipe;
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
  if (!isWhole || pieces.length === 0) return undefined;
  const [only] = pieces;
  if (pieces.length === 1 && only?.recipe.kind === 'kernel') {
    const { recipe, stored, ...place } = only;
    const isSmall = kernelWidth(recipe, place.columns, rank) <= MAX_SPECTRUM_RANK;
    return isSmall && stored === undefined ? [{ ...place, recipe, transposed: false }] : undefined;
  }
  if (pieces.length * rank > MAX_SPECTRUM_RANK) return undefined;
  const found: LowRankPiece[] = [];
  for (const { recipe, stored, row, rows, column, columns } of pieces) {
    if (recipe.kind !== 'matrix' || !isPlainOrTransposed(stored)) return undefined;
    found.push({ recipe, transposed: stored !== undefined, row, rows, column, columns });
  }
  return found;
}

/** The spectrum of a tensor [rows, columns] of the blocks that `lowRankPieces` found. */
export function spectrumOf(pieces: readonly FactoredPiece[], size: MatrixSize, rank: number): SpectrumValues {
  const [first] = pieces;
  const values =
    first?.recipe.kind === 'kernel'
      ? kernelSingularValues(first.recipe, first.factors, size, rank)
      : joinedSingularValues(pieces.filter(isMatrix), size, rank);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return { values, rank: Math.min(values.length, size.rows, size.columns), squares };
}

/** Every block has columns of its own in two tall factors, of which the tensor is the product. */
function joinedSingularValues(
  pieces: readonly FactoredMatrix[],
  { rows, columns }: MatrixSize,
  rank: number,
): Float64Array {
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
  return singularValuesOf(r, s, width);
}

function isMatrix(piece: FactoredPiece): piece is FactoredMatrix {
  return piece.recipe.kind === 'matrix';
}

/** Writes a row of one block's columns in a tall factor; rows outside the block are zero already. */
type Side = (row: number, target: Float64Array, at: number) => void;

function sideOf(
  { recipe, factors }: FactoredMatrix,
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
