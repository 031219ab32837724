/** The architecture graph, as `proto/logah/v1/architecture.proto` documents it, in the service's own types. */

/** `initializer_range` where an architecture does not say it: the default of transformers' families. */
export const DEFAULT_INITIALIZER_RANGE = 0.02;

/** How the decoder's output is read and scaled. */
export type Role = 'matrix' | 'embedding' | 'norm_weight' | 'bias';

/** A rule that fills what no hypernetwork predicts; numbers are in units of the parameter. */
export type Filling =
  | { readonly rule: 'zeros' | 'ones' | 'normal' | 'truncated_normal'; readonly standardDeviation: number }
  | { readonly rule: 'constant'; readonly value: number }
  /** Between -bound and bound. */
  | { readonly rule: 'uniform'; readonly bound: number };

export type Rule = Filling['rule'];

/** One operation; `shape` has 0 to 4 dimensions. */
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

/** A tensor of the network's state dict: blocks joined along `axis`, or the storage of another (`tiedTo`). */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly blocks: readonly Block[];
  readonly tiedTo: string | undefined;
  /** What is predicted where it is not the tensor as it is stored; `shape` and `axis` are those of storage. */
  readonly layout?: TensorLayout | undefined;
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
}

/** The one number of a rule: its value, bound or standard deviation. */
export function fillingNumber(filling: Filling): number {
  if (filling.rule === 'constant') return filling.value;
  return filling.rule === 'uniform' ? filling.bound : filling.standardDeviation;
}

/** The number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The shape of a parameter's block. */
export function blockShape(parameter: Parameter, block: Block): number[] {
  return parameter.shape.map((size, dimension) => (dimension === parameter.axis ? block.length : size));
}
