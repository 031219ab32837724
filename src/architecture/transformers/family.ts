import type { ArchitectureGraph } from '../../graph/graph';
import type { ConfigReader } from './config-reader';

/** A network that a configuration describes, not built yet. */
export interface FamilyNetwork {
  /** Repetitions of the network's block. */
  readonly layers: number;
  /** The graph with so many repetitions; each adds the same nodes, edges and parameters. */
  build(layers: number): ArchitectureGraph;
}

/** A field of the configuration that must have one of few values, or be absent or null. */
export interface Restriction {
  readonly field: string;
  readonly allowed: readonly [unknown, ...unknown[]];
  /** What other values would need, for the error and the documentation. */
  readonly reason: string;
}

/** A front-end for one `model_type`; add it to `families.ts`. */
export interface TransformersFamily {
  readonly modelType: string;
  /** The classes in transformers whose state dicts it knows; the first is meant where the configuration names none. */
  readonly architectures: readonly [string, ...string[]];
  readonly restrictions: readonly Restriction[];
  /** Reads the configuration of one of the classes; what is wrong with it becomes violations of the reader. */
  read(config: ConfigReader, architecture: string): FamilyNetwork;
}

/** Of families that can be decoders with an encoder beside them. */
export const NO_CROSS_ATTENTION: Restriction = {
  field: 'add_cross_attention',
  allowed: [false],
  reason: 'cross-attention layers are not supported',
};
