import type { ArchitectureGraph } from '../../graph/graph';
import type { ConfigReader } from './config-reader';
import type { Head } from './heads/head';

/** A network that a configuration describes, not built yet. */
export interface FamilyNetwork {
  /** Repetitions of each of the network's blocks: of its layers, or of those of its encoder and its decoder. */
  readonly repeats: readonly number[];
  /** The standard deviation of initial weights, where the configuration does not call it `initializer_range`. */
  readonly initializerRange?: number;
  /** The graph with so many repetitions; each of a block adds as many nodes, edges and parameters as any other of it. */
  readonly build: (repeats: readonly number[]) => ArchitectureGraph;
}

/** A field of the configuration that must be absent or null, or have one of few values. */
export interface Restriction {
  readonly field: string;
  readonly allowed: readonly unknown[];
  /** What other values would need, for the error and the documentation. */
  readonly reason: string;
}

/** A front-end for one `model_type`; add it to `families.ts`. */
export interface TransformersFamily {
  readonly modelType: string;
  /** The classes in transformers whose state dicts it knows; the first is meant where the configuration names none. */
  readonly heads: readonly [Head, ...Head[]];
  readonly restrictions: readonly Restriction[];
  /** Whether its networks can be made of copies of narrower ones. */
  readonly widens: boolean;
  /** Reads the configuration of one of the classes; what is wrong with it becomes violations of the reader. */
  read(config: ConfigReader, head: Head): FamilyNetwork;
}

/** Of all families. */
export const COMMON_RESTRICTIONS: readonly Restriction[] = [
  {
    field: 'per_layer_config',
    allowed: [],
    reason: 'layers that differ from each other are not supported',
  },
  {
    field: 'quantization_config',
    allowed: [],
    reason: 'parameters in packed form are not supported',
  },
];

/** Of families that can be decoders with an encoder beside them. */
export const NO_CROSS_ATTENTION: Restriction = {
  field: 'add_cross_attention',
  allowed: [false],
  reason: 'cross-attention layers are not supported',
};

/** Of families whose embeddings of positions once had other kinds. */
export const ABSOLUTE_POSITIONS: Restriction = {
  field: 'position_embedding_type',
  allowed: ['absolute'],
  reason: 'tables of relative positions are not supported',
};
