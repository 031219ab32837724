/** The architecture graph, as `proto/logah/v1/architecture.proto` documents it, in the service's own types. */

import type { Filling } from './filling';

export type { Filling, Rule } from './filling';

/** `initializer_range` where an architecture does not say it: the default of transformers' families. */
export const DEFAULT_INITIALIZER_RANGE = 0.02;

/** How the decoder's output is read and scaled. */
export type Role = 'matrix' | 'embedding' | 'norm_weight' | 'bias';

/** Whether the caller keeps values of its own: always, or where nothing of the parameter is predicted. */
export type Keep = 'always' | 'unless_predicted';

/** One operation; `shape` may have any number of dimensions. */
export interface GraphNode {
  readonly name: string;
  readonly operation: string;
  readonly shape: readonly number[];
}

/** Data flows from node `source` to node `target`. */
export interface GraphEdge {
  readonly source: number;
  readonly target: number;
}

/** Decoded from the embedding of a node. */
export interface PredictionOrigin {
  readonly kind: 'prediction';
  readonly node: number;
  readonly role: Role;
  readonly classifier: boolean;
  readonly slot: number;
}

/** Filled by rule. */
export type InitializationOrigin = Filling & { readonly kind: 'initialization' };

/** A part of a parameter: `length` entries along the parameter's axis. */
export interface Block {
  readonly length: number;
  readonly origin: PredictionOrigin | InitializationOrigin;
  /** What fills a predicted block where the model does not know its node's operation; undefined: as its role is usual. */
  readonly fallback?: Filling | undefined;
  /** Whether a built-in start fills what a model would predict. */
  readonly started?: boolean | undefined;
}

/**
 * How a framework has a tensor that is stored otherwise: the tensor's dimensions in another order, and neighbours among
 * them joined.
 */
export interface TensorLayout {
  /** For each dimension of the framework's, in order, the stored one. */
  readonly order: readonly number[];
  /** What the reordered dimensions are joined to; as many elements. */
  readonly shape: readonly number[];
}

/**
 * A tensor of the network's state dict: blocks joined along `axis`, or the storage of another (`tiedTo`), or values that
 * the caller keeps.
 */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly blocks: readonly Block[];
  readonly tiedTo: string | undefined;
  /** What is predicted where it is not the tensor as it is stored; `shape` and `axis` are those of storage. */
  readonly layout?: TensorLayout | undefined;
  /** The shape as which the blocks see the parameter, with its elements in the same order; undefined: `shape`. */
  readonly view?: readonly number[] | undefined;
  /** How often the blocks follow one another; undefined: once. */
  readonly repetitions?: number | undefined;
  /** Undefined: the caller does not. */
  readonly keep?: Keep | undefined;
  /** The dimension that a layer sums over; undefined: none, or not known. Neither sent nor hashed, as `feeding`. */
  readonly inputAxis?: number | undefined;
  /** Of a tied parameter that is a layer's weight: the node whose output the layer sums over. */
  readonly feeding?: number | undefined;
}

/** A tensor that a file of the network holds and that is no parameter. */
export interface NamedConstant {
  readonly name: string;
  readonly shape: readonly number[];
  /** Why, as a clause: "running variance of a batch norm". */
  readonly reason: string;
}

/** What of a network's file is other than it looks, which parameters loaded by name would show. */
export interface FileWarning {
  /** `folded`: norms are folded into layers that keep their names; `merged`: several parameters are one. */
  readonly kind: 'folded' | 'merged';
  /** Names of the tensors, five at most, and how many more there are. */
  readonly tensors: string;
  /** A sentence with all of it. */
  readonly text: string;
}

/** A directed acyclic graph of operations; node 0 is the input. */
export interface ArchitectureGraph {
  readonly name: string;
  /** Empty: none. */
  readonly family: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** In the framework's own order. */
  readonly parameters: readonly Parameter[];
  /**
   * The configuration's sizes by the configuration's own names ("hidden_size"), to compare with what a model was
   * trained on. Empty for an explicit graph.
   */
  readonly sizes: Readonly<Record<string, number>>;
  /** Those of `sizes` that are k times as large in a network k times as wide; undefined: not known. */
  readonly widths?: readonly string[] | undefined;
  /** Standard deviation that the network's own initialisation gives weights; undefined: that of transformers' families. */
  readonly initializerRange?: number | undefined;
  /** What of its file is no parameter; undefined: it comes from no file of tensors. */
  readonly constants?: readonly NamedConstant[] | undefined;
  /** What the caller should know of how the network was read, a sentence each. */
  readonly notes?: readonly string[] | undefined;
  /** What the names in its file do not tell. */
  readonly warnings?: readonly FileWarning[] | undefined;
}

/** The number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** What an output of a weight of this shape sums over: all dimensions but the first. */
export function fanIn(shape: readonly number[]): number {
  return elementCount(shape.slice(1));
}

/**
 * The shape as which the blocks see a parameter. Of more than four dimensions (o, i, ..., h, w), those in between count
 * as input channels where anything is predicted.
 */
export function viewOf({
  shape,
  view,
  blocks,
  layout,
}: Pick<Parameter, 'shape' | 'view' | 'blocks' | 'layout'>): readonly number[] {
  if (view !== undefined) return view;
  // What is stored otherwise is folded where it is predicted.
  if (layout !== undefined) return shape;
  return blocks.some(({ origin }) => origin.kind === 'prediction') ? foldedShape(shape) : shape;
}

/** A shape of at most four dimensions: of (o, i, ..., h, w) those in between are folded into i. */
export function foldedShape(shape: readonly number[]): readonly number[] {
  if (shape.length <= 4) return shape;
  return [shape[0] ?? 1, elementCount(shape.slice(1, -2)), ...shape.slice(-2)];
}

/** Entries along the axis in which the lengths of a parameter's blocks are counted. */
export function axisEntries({ shape, view, axis }: Pick<Parameter, 'shape' | 'view' | 'axis'>): number {
  return (view ?? shape)[axis] ?? 1;
}

/** The shape of a parameter's block, in the view. */
export function blockShape(parameter: Parameter, block: Block): number[] {
  const share = block.length / axisEntries(parameter);
  return viewOf(parameter).map((size, dimension) => (dimension === parameter.axis ? size * share : size));
}
