/** The front-ends: an architecture in any form of the contract, read into the service's own graph. */

import { invalidField } from '../errors';
import type { Architecture__Output } from '../gen/logah/v1/Architecture';
import type { ArchitectureGraph } from '../graph/graph';
import type { GraphLimits } from '../graph/limits';
import { explicitGraph } from './explicit-graph';
import { onnxGraph } from './onnx';
import { transformersGraph } from './transformers';

/**
 * Throws LogahError `invalid_argument` with a violation for each wrong field and each limit exceeded, or `not_found`
 * for a transformers model type that no front-end reads.
 */
export function architectureGraph(
  source: Architecture__Output | null | undefined,
  limits: GraphLimits,
): ArchitectureGraph {
  if (source?.graph) return explicitGraph(source.graph, limits);
  if (source?.transformersConfig) return transformersGraph(source.transformersConfig, limits);
  if (source?.onnx) return onnxGraph(source.onnx, limits);
  throw invalidField('architecture', 'is missing; graph, transformers_config or onnx must be set');
}
