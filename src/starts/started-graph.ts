/** A network that a start fills: what a model would predict has rules in its place. */

import { viewOf, type ArchitectureGraph, type Block, type Parameter } from '../graph/graph';
import { predictedShape } from '../graph/layout';
import type { Start, StartingBlock } from './start';

/** Every block that asks for a prediction is filled by the start's rule. */
export function startedGraph(graph: ArchitectureGraph, { rules }: Start): ArchitectureGraph {
  const ruleOf = rules(graph);
  const started = (parameter: Parameter): Parameter => {
    if (!parameter.blocks.some(({ origin }) => origin.kind === 'prediction')) return parameter;
    let end = 0;
    const blocks = parameter.blocks.map((block): Block => {
      const start = end;
      end += block.length;
      const { origin, length } = block;
      if (origin.kind === 'initialization') return block;
      const shape = predictedShape(parameter, block);
      const described: StartingBlock = { parameter, block, origin, start, shape };
      return { length, origin: { kind: 'initialization', ...ruleOf(described) }, started: true };
    });
    const { layout, view, keep, ...rest } = parameter;
    return {
      ...rest,
      blocks,
      // Lengths of blocks count entries of what the blocks saw while they were predicted.
      view: layout === undefined ? foldedView(parameter) : view,
      // The start is what its caller asked for, as a prediction is.
      keep: keep === 'unless_predicted' ? undefined : keep,
    };
  };
  return { ...graph, parameters: graph.parameters.map(started) };
}

function foldedView(parameter: Parameter): readonly number[] | undefined {
  return parameter.view ?? (parameter.shape.length > 4 ? viewOf(parameter) : undefined);
}
