/** Whether the chosen model knows the operations of an architecture, told before anything is planned. */

import { invalidFields } from '../errors';
import type { Architecture__Output } from '../gen/logah/v1/Architecture';
import { unknownOperations } from '../graph/features';
import type { ArchitectureGraph } from '../graph/graph';
import { quoted } from '../graph/violations';
import type { Bundle, Bundles } from '../hypernet/bundle';

/** More are not listed. */
const LISTED = 20;

/**
 * Throws LogahError (invalid_argument) that names each operation that the model does not know, at the first node that
 * has it, those it knows, and the models that know all of the graph's. `source` is what the graph was read from.
 */
export function checkOperations(
  graph: ArchitectureGraph,
  source: Architecture__Output | null | undefined,
  { manifest }: Bundle,
  bundles: Bundles,
): void {
  const { name, hypernet } = manifest;
  const unknown = unknownOperations(graph, hypernet.operations);
  if (unknown.length === 0) return;
  const others = [...bundles.values()]
    .filter((bundle) => unknownOperations(graph, bundle.manifest.hypernet.operations).length === 0)
    .map((bundle) => bundle.manifest.name);
  const elsewhere =
    others.length > 0
      ? `models here that know all of this architecture's: ${others.join(', ')}`
      : "no model here knows all of this architecture's";
  const violations = unknown.slice(0, LISTED).map((index) => {
    const { name: node = '', operation = '' } = graph.nodes[index] ?? {};
    const known = `${name} knows ${hypernet.operations.join(', ')}`;
    return source?.graph
      ? {
          field: `architecture.graph.nodes[${index}].operation`,
          description: `${quoted(operation)} is not an operation of this model: ${known}; ${elsewhere}`,
        }
      : {
          field: 'architecture',
          description: `has the operation ${quoted(operation)} (${node}): ${known}; ${elsewhere}`,
        };
  });
  throw invalidFields(violations);
}
