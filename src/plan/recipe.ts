/**
 * Recipes: everything that a worker needs to fill a piece of a tensor, as plain values.
 *
 * Source of the formulas: the LoGAH authors' `GHN3` (`_map_net_params`, `_tile_params`, `_normalize`), arXiv
 * 2405.16287; `python/logah/hypernet/hypernetwork.py` is the same mathematics in PyTorch.
 */

import type { Filling } from '../graph/filling';
import type { Cycles } from './cycle';

/** How a predicted block lies in its tensor where that is stored otherwise than the framework has it. */
export interface Stored {
  /** The block's shape in the tensor. */
  readonly shape: readonly number[];
  /** For each dimension of what is decoded, the stored ones that it is made of, slowest first. */
  readonly groups: readonly (readonly number[])[];
}

/** Filled by rule: an element depends on nothing but its index in its parameter. */
export type FillRecipe = Filling & {
  readonly kind: 'fill';
  /** Of the parameter. */
  readonly shape: readonly number[];
  /** In a widened network: the block of the base's parameter that this one repeats, draws included. */
  readonly repeated?: RepeatedBlock | undefined;
  /** What elements are multiplied with; undefined: 1. */
  readonly factor?: number | undefined;
};

/**
 * A block of a parameter of `shape` that begins at entry `start` of dimension `axis`, and repeats the base's block of
 * `baseLength` entries from entry `baseStart` on; all other dimensions repeat the base's.
 */
export interface RepeatedBlock {
  readonly shape: readonly number[];
  readonly base: readonly number[];
  readonly axis: number;
  readonly start: number;
  readonly baseStart: number;
  readonly baseLength: number;
}

/** Common to what the hypernetwork predicts. */
interface Predicted {
  /** Row of the node embeddings. */
  readonly node: number;
  readonly slot: number;
  /** Where entries do not just repeat from the beginning of what is decoded; replaces the `mod` of the formulas below. */
  readonly cycles?: Cycles | undefined;
}

/**
 * The factor of a weight; or one that gives the whole block, repetitions included, the standard deviation `target`: the
 * block has `first` entries in its first dimension (position embeddings: tokens) and `second` in its second (channels).
 */
export type Scale = number | { readonly target: number; readonly first: number; readonly second: number };

/** Row p, column q is scale * A[p mod m] · B[q mod n]. */
export interface MatrixRecipe extends Predicted {
  readonly kind: 'matrix';
  readonly m: number;
  readonly n: number;
  readonly scale: Scale;
}

/** A kernel (o, i, h, w): element (p, q, y, x) is scale * A[(p mod o) * h + y] · B[(q mod i) * w + x]. */
export interface KernelRecipe extends Predicted {
  readonly kind: 'kernel';
  /** Decoded output and input channels; beyond them the kernel repeats. */
  readonly o: number;
  readonly i: number;
  readonly h: number;
  readonly w: number;
  readonly scale: Scale;
}

/** Position embeddings [tokens, channels] from a kernel (1, c, s, s): token t, channel q is (q mod c, t mod s²). */
export interface PositionRecipe extends Predicted {
  readonly kind: 'position';
  readonly c: number;
  readonly s: number;
  readonly scale: Scale;
}

/** A block that is a product with a scale. */
export type ScaledRecipe = KernelRecipe | MatrixRecipe | PositionRecipe;

/** A vector: norm weights 2 * sigmoid(x / 2), biases tanh(x / 5). */
export interface VectorRecipe extends Predicted {
  readonly kind: 'vector';
  /** 0 for the weight of a normalisation layer, 1 for a bias. */
  readonly row: 0 | 1;
  /** Decoded length; beyond it the vector repeats. */
  readonly length: number;
  /** Length K at which the decoder lays the vector out; the published decoder rounds it. */
  readonly rounded: number;
  /** `column`: A of 2K rows, weight first, then bias. `pair`: A of K rows, two columns. */
  readonly layout: 'column' | 'pair';
  /** What elements are multiplied with; undefined: 1. */
  readonly factor?: number | undefined;
  /** What is added to them then; undefined: 0. */
  readonly shift?: number | undefined;
}

/** GHN-3: a kernel of `decoded` size, whose channels are repeated to fill (out, in, height, width). */
export interface DenseKernelRecipe extends Predicted {
  readonly kind: 'dense_kernel';
  /** (out, in, height, width) as decoded; a matrix has height and width 1. */
  readonly decoded: readonly [number, number, number, number];
  readonly scale: number;
}

/** GHN-3: position embeddings [tokens, channels] from a kernel (1, c, s, s): token t, channel q is (q mod c, t mod s²). */
export interface DensePositionRecipe extends Predicted {
  readonly kind: 'dense_position';
  readonly c: number;
  readonly s: number;
  readonly scale: number;
}

/** GHN-3: a row of its 1-D head or of its class-bias head. */
export interface DenseVectorRecipe extends Predicted {
  readonly kind: 'dense_vector';
  readonly output: 'vector' | 'class_bias';
  readonly row: 0 | 1;
  /** Decoded length; beyond it the vector repeats. */
  readonly length: number;
  /** What elements are multiplied with; undefined: 1. */
  readonly factor?: number | undefined;
  /** What is added to them then; undefined: 0. */
  readonly shift?: number | undefined;
}

/** GHN-3: the classifier's weight from its class head, [classes, in]. */
export interface DenseClassRecipe extends Predicted {
  readonly kind: 'dense_class';
  /** Decoded classes and inputs; beyond them the matrix repeats. */
  readonly m: number;
  readonly n: number;
  readonly scale: number;
}

export type Recipe =
  | FillRecipe
  | MatrixRecipe
  | KernelRecipe
  | PositionRecipe
  | VectorRecipe
  | DenseKernelRecipe
  | DensePositionRecipe
  | DenseVectorRecipe
  | DenseClassRecipe;
