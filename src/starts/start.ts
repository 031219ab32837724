/** Starts that a formula gives, offered beside the models that predict. */

import type { Filling } from '../graph/filling';
import {
  fanIn,
  type ArchitectureGraph,
  type Block,
  type Parameter,
  type PredictionOrigin,
} from '../graph/graph';

/** A block that a model would predict, and where it stands. */
export interface StartingBlock {
  readonly parameter: Parameter;
  readonly block: Block;
  readonly origin: PredictionOrigin;
  /** Entry along the parameter's axis at which the block begins. */
  readonly start: number;
  /** As its framework has it: [out, in] of a linear layer, [out, in, height, width] of a convolution. */
  readonly shape: readonly number[];
}

/** A start: by which rule each block is filled. */
export interface Start {
  /** As requests name it. */
  readonly name: string;
  readonly description: string;
  /** Counts up when any element that it gives changes. */
  readonly version: number;
  /** The rules for one network. */
  readonly rules: (graph: ArchitectureGraph) => (block: StartingBlock) => Filling;
}

/** Whether a block is a weight with rows and columns: tables of embeddings among them, positions of an image not. */
export function isMatrix({ origin, shape }: Pick<StartingBlock, 'origin' | 'shape'>): boolean {
  return (origin.role === 'matrix' || origin.role === 'embedding') && shape.length >= 2;
}

/** The same of a linear layer that is stored as [in, out]. */
export function inputsOf({ parameter, shape }: Pick<StartingBlock, 'parameter' | 'shape'>): number {
  const { inputAxis, layout } = parameter;
  const isInOut = layout === undefined && shape.length === 2 && inputAxis === 0;
  return isInOut ? (shape[0] ?? 1) : fanIn(shape);
}
