/** The front-ends: an architecture in any form of the contract, read into the service's own graph. */

import { invalidField } from '../errors';
import type { Architecture__Output } from '../gen/logah/v1/Architecture';
import type { ArchitectureGraph } from '../graph/graph';
import type { GraphLimits } from '../graph/limits';
import { explicitGraph } from './explicit-graph';
import { onnxGraph } from './onnx';
import { sentContents } from './onnx/sent-contents';
import { transformersNetwork, type ScalableNetwork } from './transformers';

export { widenedFamilies, type ScalableNetwork } from './transformers';

/** As the contract has it; lists that a caller does not send are empty. */
type Source = Omit<Architecture__Output, 'onnxContents'> &
  Partial<Pick<Architecture__Output, 'onnxContents'>>;

/** An architecture; a graph and an ONNX file do not say what of them is a width. */
export type Network = ScalableNetwork | { readonly graph: ArchitectureGraph; readonly narrowed?: undefined };

/**
 * Throws LogahError `invalid_argument` with a violation for each wrong field and each limit exceeded, or `not_found`
 * for a transformers model type that no front-end reads.
 */
export function readNetwork(source: Source | null | undefined, limits: GraphLimits): Network {
  if (source?.graph) return { graph: explicitGraph(source.graph, limits) };
  if (source?.transformersConfig) return transformersNetwork(source.transformersConfig, limits);
  if (source?.onnx) return { graph: onnxGraph(source.onnx, limits, sentContents(source.onnxContents ?? [])) };
  throw invalidField('architecture', 'is missing; graph, transformers_config or onnx must be set');
}

/** The graph alone. Throws as `readNetwork`. */
export function architectureGraph(source: Source | null | undefined, limits: GraphLimits): ArchitectureGraph {
  return readNetwork(source, limits).graph;
}
