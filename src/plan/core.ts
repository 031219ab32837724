/**
 * Tensors sent as what they are computed from: the few core rows that the model's expansion makes factors of, one value
 * where all elements are equal, and elements where nothing else tells them.
 */

import { bytesPerElement, type ElementType } from '../element-type';
import type { HypernetConfig } from '../hypernet/manifest';
import { isPlainProduct } from './factors';
import type { Placement } from './layout';
import { isNoisyPiece } from './blend/lifted';
import type { Piece } from './plan-tensor';
import type { FillRecipe, ScaledRecipe } from './recipe';
import { TILE_ELEMENTS } from './tile';

/** Bytes of a block's scale, of a constant's value, of a stream's key, and of the deviation of noise. */
const SCALE_BYTES = 8;
const VALUE_BYTES = 4;
const KEY_BYTES = 8;
const DEVIATION_BYTES = 8;

/** How the elements of a block that is a product follow from it; see `CoreLayout` in the contract. */
export type ProductLayout = 'matrix' | 'transposed_matrix' | 'kernel' | 'positions' | 'norm_weight' | 'bias';

/** A block that is A · Bᵀ of a node, A of `m` rows and B of `n`. */
export interface ProductBlock {
  readonly layout: ProductLayout;
  readonly node: number;
  readonly slot: number;
  readonly m: number;
  readonly n: number;
  /** What it is scaled as; undefined for vectors. */
  readonly scaled?: ScaledRecipe;
  readonly height?: number;
  readonly width?: number;
  readonly start?: number;
  readonly length?: number;
  /** Whether noise is added. */
  readonly lifted?: boolean;
  /** What of its deviation `base` makes; undefined: nothing. */
  readonly base?: number | undefined;
}

/** A block, and its place in the tensor's matrix view. */
export type CoreBlock = Placement &
  (
    | ProductBlock
    | { readonly layout: 'elements'; readonly recipe: FillRecipe }
    | { readonly layout: 'rule'; readonly recipe: FillRecipe }
    | { readonly layout: 'constant'; readonly value: number }
  );

/** What the sizes of a block's data depend on. */
export type CoreSizes = Pick<HypernetConfig, 'ck' | 'rank'>;

/** The pieces as cores, with noise where there is any, if all of them have any and their data is smaller than `denseBytes`. */
export function smallerCore(
  pieces: readonly Piece[],
  sizes: CoreSizes,
  elementType: ElementType,
  denseBytes: number,
  lift: number,
): readonly CoreBlock[] | undefined {
  const blocks: CoreBlock[] = [];
  for (const piece of pieces) {
    const block = coreBlock(piece);
    if (block === undefined) return undefined;
    const { base } = piece;
    const isNoisy = 'scaled' in block && isNoisyPiece(piece, lift);
    blocks.push(isNoisy ? { ...block, lifted: true, ...(base !== undefined && { base }) } : block);
  }
  const bytes = coreByteLength(blocks, sizes, elementType);
  return blocks.length > 0 && bytes < denseBytes ? blocks : undefined;
}

/** Bytes of the data of all blocks. */
export function coreByteLength(
  blocks: readonly CoreBlock[],
  sizes: CoreSizes,
  elementType: ElementType,
): number {
  return blocks.reduce((sum, block) => sum + blockByteLength(block, sizes, elementType), 0);
}

/** Bytes of one block's data. */
export function blockByteLength(block: CoreBlock, sizes: CoreSizes, elementType: ElementType): number {
  switch (block.layout) {
    case 'elements':
      return block.rows * block.columns * bytesPerElement(elementType);
    case 'constant':
      return VALUE_BYTES;
    case 'rule':
      return KEY_BYTES;
    case 'matrix':
    case 'transposed_matrix':
    case 'kernel':
    case 'positions':
    case 'norm_weight':
    case 'bias': {
      const rows = coreRows(block.m, sizes) + coreRows(block.n, sizes);
      const scale = block.scaled === undefined ? 0 : SCALE_BYTES;
      const noise = block.lifted === true ? DEVIATION_BYTES + KEY_BYTES : 0;
      return rows * sizes.rank * 4 + scale + noise;
    }
  }
}

/** Core rows that the first `rows` rows of a factor are made of. */
export function coreRows(rows: number, { ck, rank }: CoreSizes): number {
  return Math.ceil((rows * rank) / ck);
}

/** The fewest rows of a factor that need as many core rows as `rows` do. */
export function fewestRows(rows: number, sizes: CoreSizes): number {
  return Math.floor(((coreRows(rows, sizes) - 1) * sizes.ck) / sizes.rank) + 1;
}

function coreBlock({ recipe, row, rows, column, columns, stored }: Piece): CoreBlock | undefined {
  const place = { row, rows, column, columns };
  // Of what is stored otherwise, the layouts know a transpose.
  if (stored !== undefined && recipe.kind !== 'matrix') return undefined;
  // The layouts know neither other repetitions than from the beginning nor vectors that are scaled or moved.
  if ('cycles' in recipe && recipe.cycles !== undefined) return undefined;
  switch (recipe.kind) {
    case 'fill': {
      const { factor = 1 } = recipe;
      if (recipe.rule === 'zeros') return { ...place, layout: 'constant', value: 0 };
      if (recipe.rule === 'ones') return { ...place, layout: 'constant', value: factor };
      if (recipe.rule === 'constant') return { ...place, layout: 'constant', value: recipe.value * factor };
      if (isDrawnAnywhere(recipe)) return { ...place, layout: 'rule', recipe };
      // A worker fills a block at once.
      return rows * columns <= TILE_ELEMENTS ? { ...place, layout: 'elements', recipe } : undefined;
    }
    case 'matrix': {
      if (!isPlainProduct(recipe, place, stored)) return undefined;
      const { node, slot, m, n } = recipe;
      const layout = stored === undefined ? 'matrix' : 'transposed_matrix';
      return { ...place, layout, node, slot, m, n, scaled: recipe };
    }
    case 'kernel': {
      const { node, slot, o, i, h, w } = recipe;
      const size = { m: o * h, n: i * w, height: h, width: w };
      return { ...place, layout: 'kernel', node, slot, ...size, scaled: recipe };
    }
    case 'position': {
      const { node, slot, c, s } = recipe;
      return { ...place, layout: 'positions', node, slot, m: s, n: c * s, scaled: recipe };
    }
    case 'vector': {
      if (recipe.factor !== undefined) return undefined;
      const { node, slot, length, rounded } = recipe;
      const layout = recipe.row === 0 ? 'norm_weight' : 'bias';
      return recipe.layout === 'pair'
        ? { ...place, layout, node, slot, m: rounded, n: 2, start: recipe.row, length }
        : { ...place, layout, node, slot, m: 2 * rounded, n: 1, start: recipe.row * rounded, length };
    }
    case 'dense_kernel':
    case 'dense_position':
    case 'dense_vector':
    case 'dense_class':
      return undefined;
  }
}

/**
 * Whether clients compute the same bits of the rule: sines differ in their last bits between libraries, and the contract
 * knows neither repetitions of what is drawn nor orthogonal matrices.
 */
function isDrawnAnywhere({ rule, repeated, factor }: FillRecipe): boolean {
  return rule !== 'sinusoids' && rule !== 'orthogonal' && repeated === undefined && factor === undefined;
}
