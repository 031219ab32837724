/** What becomes of the operations of an architecture that the chosen model does not know. */

import { invalidFields } from '../../errors';
import { unknownOperations } from '../../graph/features';
import { elementCount, type ArchitectureGraph } from '../../graph/graph';
import { quoted } from '../../graph/violations';
import type { Bundle, Bundles } from '../../hypernet/bundle';
import type { TrainingWarning } from '../../plan/training-warnings';
import { knownPart, STAND_IN, type KnownPart } from '../../plan/unknown-operations';
import type { WideningChoice } from '../../plan/widening-choice';

/** More are not listed. */
const LISTED = 20;

/** What a model can make of an architecture, and a warning of what it cannot. */
export type KnownNetwork = Pick<KnownPart, 'graph' | 'choice'> & {
  readonly warnings: readonly TrainingWarning[];
};

/** What the network was read from, and for whom. */
export interface OperationsRequest {
  /** Whether the caller wrote the graph, so that a node of it is a field of the request. */
  readonly isGraph: boolean;
  /** Whether filling by rule is refused. */
  readonly strict: boolean;
}

/**
 * The network with what the model does not know left to rules, and a warning of that. Throws LogahError
 * (invalid_argument) where that leaves nothing to predict, or a strict request with something to fill: it names each
 * operation that the model does not know, at the first node that has it, those it knows, and the models that know all of
 * the graph's.
 */
export function knownNetwork(
  graph: ArchitectureGraph,
  choice: WideningChoice,
  { isGraph, strict }: OperationsRequest,
  bundle: Bundle,
  bundles: Bundles,
): KnownNetwork {
  const { operations } = bundle.manifest.hypernet;
  const known = knownPart(graph, choice, operations);
  if (known.unknown.size === 0) return { ...known, warnings: [] };
  const leavesNothing = isPredicted(graph) && !isPredicted(known.graph);
  const fills = known.unpredicted.length > 0;
  if (leavesNothing || (strict && fills) || !operations.includes(STAND_IN)) {
    throw refusal(graph, isGraph, bundle, bundles);
  }
  return { ...known, warnings: [warningOf(known, graph, bundle, bundles)] };
}

function isPredicted({ parameters }: ArchitectureGraph): boolean {
  return parameters.some(({ blocks }) => blocks.some(({ origin }) => origin.kind === 'prediction'));
}

function warningOf(
  { unknown, unpredicted }: KnownPart,
  graph: ArchitectureGraph,
  { manifest }: Bundle,
  bundles: Bundles,
): TrainingWarning {
  const counted = [...unknown].map(
    ([operation, nodes]) => `${named(operation)} (${nodes} ${nodes === 1 ? 'node' : 'nodes'})`,
  );
  const rest = counted.length - LISTED;
  const actual = [...counted.slice(0, LISTED), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  const elements = unpredicted.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const tensors = `${unpredicted.length} ${unpredicted.length === 1 ? 'tensor' : 'tensors'} of ${elements} parameters`;
  const without = unpredicted.length === 0 ? 'no tensor needs them' : `${tensors} are not predicted for that`;
  return {
    kind: 'operations',
    field: 'operations',
    actual,
    trained: manifest.hypernet.operations.join(', '),
    text: `operations ${actual}: model ${manifest.name} does not know them, ${without}; ${elsewhere(graph, bundles)}`,
  };
}

/** Names are the caller's own. */
function named(operation: string): string {
  return /^\w{1,40}$/.test(operation) ? operation : quoted(operation);
}

function elsewhere(graph: ArchitectureGraph, bundles: Bundles): string {
  const others = [...bundles.values()]
    .filter((bundle) => unknownOperations(graph, bundle.manifest.hypernet.operations).length === 0)
    .map((bundle) => bundle.manifest.name);
  return others.length > 0
    ? `models here that know all of this architecture's: ${others.join(', ')}`
    : "no model here knows all of this architecture's";
}

function refusal(graph: ArchitectureGraph, isGraph: boolean, { manifest }: Bundle, bundles: Bundles): Error {
  const { name, hypernet } = manifest;
  const others = elsewhere(graph, bundles);
  const violations = unknownOperations(graph, hypernet.operations)
    .slice(0, LISTED)
    .map((index) => {
      const { name: node = '', operation = '' } = graph.nodes[index] ?? {};
      const known = `${name} knows ${hypernet.operations.join(', ')}`;
      return isGraph
        ? {
            field: `architecture.graph.nodes[${index}].operation`,
            description: `${quoted(operation)} is not an operation of this model: ${known}; ${others}`,
          }
        : {
            field: 'architecture',
            description: `has the operation ${quoted(operation)} (${node}): ${known}; ${others}`,
          };
    });
  return invalidFields(violations);
}
