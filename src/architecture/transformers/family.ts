import type { ArchitectureGraph } from '../../graph/graph';
import type { ConfigReader } from './config-reader';

/** A network that a configuration describes, not built yet. */
export interface FamilyNetwork {
  /** Repetitions of the network's block. */
  readonly layers: number;
  /** The graph with so many repetitions; each adds the same nodes, edges and parameters. */
  build(layers: number): ArchitectureGraph;
}

/** A front-end for one `model_type`; add it to `families.ts`. */
export interface TransformersFamily {
  readonly modelType: string;
  /** The class in transformers whose state dict the parameters are. */
  readonly architecture: string;
  /** Reads the configuration; what is wrong with it becomes violations of the reader. */
  read(config: ConfigReader): FamilyNetwork;
}
