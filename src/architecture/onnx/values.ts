/** What is known of a value of the ONNX graph while its nodes are read in order. */

import type { TensorContent } from '../../onnx-file/content';
import type { View } from './weight-view';

/** A tensor of the file that may be a parameter of the network. */
export interface Weight {
  readonly name: string;
  /** As in the file. */
  readonly shape: readonly number[];
  readonly elements: number;
  /** Whether a `Constant` node gives it: a weight where a layer reads it, but a number where it meets data. */
  readonly constant: boolean;
  /** Whether the name is that of a parameter; else the exporter made it up. */
  readonly named: boolean;
  /** What its data shows; undefined: the caller does not say. */
  readonly content: TensorContent | undefined;
}

/** Nodes of the architecture graph that a value comes from, in ascending order. */
export type Sources = readonly number[];

/** A shape, an index, a mask, a number: nothing that is learned has a part in it. */
export interface Constant {
  readonly kind: 'constant';
}

/** Weights, reshaped or transposed or computed with each other, that no data has met. */
export interface WeightValue {
  readonly kind: 'weight';
  /** The largest first. */
  readonly weights: readonly Weight[];
  /** The dimensions of the value, of those of the first weight. */
  readonly view: View;
  /** Weights side by side, along dimension `axis`. */
  readonly parts?: { readonly axis: number; readonly values: readonly WeightValue[] } | undefined;
  /** Whether elements have been summed up or averaged. */
  readonly reduced?: boolean;
  /** Variances whose root the first weight, if there is one, was divided by. */
  readonly variances?: readonly Weight[];
  /** Means that were scaled as data is. */
  readonly means?: readonly Weight[];
}

/** Rows of a table, read by index; what it is shows where it is used. */
export interface Lookup {
  readonly kind: 'lookup';
  readonly table: Weight;
}

/** A mean, and what is computed from it: a part of a normalization, or global pooling. */
export interface Statistic {
  readonly kind: 'statistic';
  readonly sources: Sources;
  /** Whether it is of what parameters have met. */
  readonly learned: boolean;
  /** Whether it is of squares of differences from the mean. */
  readonly centred: boolean;
  /** Whether a root has been drawn. */
  readonly rooted: boolean;
  /** Of the normalization, where they meet the statistic before the data. */
  readonly scale: Weight | undefined;
  readonly offset: Weight | undefined;
  /** Name of the node that averages. */
  readonly name: string;
}

/** What flows through the network. */
export interface Data {
  readonly kind: 'data';
  readonly sources: Sources;
  /** Whether parameters have met it: its sources do not tell, where those are filled by rule and have no node. */
  readonly learned: boolean;
  /** The product of a weight, of so many features: a vector added to it is its bias. */
  readonly features?: number;
  /** Results of several layers side by side, which a Split takes apart. */
  readonly parts?: readonly Data[];
  /** Bound of the uniform rule of the layer before, which has no node: its bias is filled so too. */
  readonly bound?: number;
  /** Whether its mean has been taken away. */
  readonly centred?: boolean;
  /** A vector that was taken away: a running mean, if a root of a variance follows. */
  readonly shifted?: { readonly by: Weight; readonly unshifted: Data };
  readonly normalized?: Normalized;
  /** Scores of an attention: queries times keys. */
  readonly scores?: { readonly queries: Data; readonly keys: Data };
  /** Those scores behind the softmax. */
  readonly attention?: { readonly queries: Data; readonly keys: Data };
  /** Whether it is the output of an activation. */
  readonly activated?: boolean;
  /** The node of the global pooling that it comes from, if nothing was added since. */
  readonly pooled?: number;
  /** Learned tokens in front of it, such as a class token. */
  readonly tokens?: number;
}

/** The output of a normalization. `node` once its weight has been met; group norms have none. */
export interface Normalized {
  readonly by: 'ln' | 'rmsnorm' | 'bn' | 'group';
  readonly node: number | undefined;
}

export type Value = Constant | WeightValue | Lookup | Statistic | Data;

export const CONSTANT: Constant = { kind: 'constant' };

/** The network's input, and what is computed from it without weights: the image, indices, masks. */
export function isInput({ sources, learned }: Data | Statistic): boolean {
  return !learned && (sources.length === 0 || (sources.length === 1 && sources[0] === 0));
}

export function sameSources(a: Sources, b: Sources): boolean {
  return a === b || (a.length === b.length && a.every((source, index) => source === b[index]));
}

/** Whether a weight has at most one dimension above 1. */
export function isVector({ shape }: Pick<Weight, 'shape'>): boolean {
  return shape.filter((size) => size > 1).length <= 1;
}
