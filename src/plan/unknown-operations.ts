/** A network with operations that a model does not know: the rest of it is predicted. */

import { type ArchitectureGraph, type Block, type Parameter } from '../graph/graph';
import { predictedShape } from '../graph/layout';
import { usualFilling } from '../graph/usual-filling';
import type { WideningChoice } from './widening-choice';

/** What a node of an unknown operation is to the encoder: its inputs passed on. */
export const STAND_IN = 'sum';

/** The known part of a network, and what is not. */
export interface KnownPart {
  readonly graph: ArchitectureGraph;
  readonly choice: WideningChoice;
  /** How many nodes have each unknown operation. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Parameters of which blocks are filled by rule, or that are kept, since the model cannot predict them. */
  readonly unpredicted: readonly Parameter[];
}

/** Puts stand-ins in the place of unknown nodes, and rules in the place of predictions from them. */
export function knownPart(
  graph: ArchitectureGraph,
  choice: WideningChoice,
  operations: readonly string[],
): KnownPart {
  const known = new Set(operations);
  const unknown = new Map<string, number>();
  const isUnknown = graph.nodes.map(({ operation }) => {
    if (known.has(operation)) return false;
    unknown.set(operation, (unknown.get(operation) ?? 0) + 1);
    return true;
  });
  if (unknown.size === 0) return { graph, choice, unknown, unpredicted: [] };
  const needs = ({ origin }: Block): boolean =>
    origin.kind === 'prediction' && isUnknown[origin.node] === true;
  const mask = (whole: ArchitectureGraph): ArchitectureGraph => ({
    ...whole,
    nodes: whole.nodes.map((node, index) =>
      isUnknown[index] === true ? { ...node, operation: STAND_IN, shape: [] } : node,
    ),
    parameters: whole.parameters.map((parameter) =>
      parameter.blocks.some(needs) ? withoutPredictions(parameter, needs, whole.initializerRange) : parameter,
    ),
  });
  const { widening } = choice;
  return {
    graph: mask(graph),
    choice:
      widening === undefined ? choice : { ...choice, widening: { ...widening, base: mask(widening.base) } },
    unknown,
    unpredicted: graph.parameters.filter(({ blocks }) => blocks.some(needs)),
  };
}

/** The view stays what it was while the parameter was predicted. */
function withoutPredictions(
  parameter: Parameter,
  needs: (block: Block) => boolean,
  initializerRange: number | undefined,
): Parameter {
  const blocks = parameter.blocks.map((block): Block => {
    const { length, origin, fallback } = block;
    if (origin.kind === 'initialization' || !needs(block)) return block;
    const filling = fallback ?? usualFilling(origin, predictedShape(parameter, block), initializerRange);
    return { length, origin: { kind: 'initialization', ...filling } };
  });
  return { ...parameter, blocks };
}
