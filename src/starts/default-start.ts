/** The start that a network's own framework gives it. */

import type { Filling } from '../graph/filling';
import type { ArchitectureGraph } from '../graph/graph';
import { usualFilling } from '../graph/usual-filling';
import { familyFilling } from './family-fillings';
import type { Start, StartingBlock } from './start';

/** As the caller says of a block (`Block.fallback`), as transformers has it for the family, or as PyTorch's layers do. */
export const DEFAULT_START: Start = {
  name: 'default',
  description: "the network's own random start: as transformers or PyTorch draw it, the same on every rank",
  version: 1,
  rules: (graph) => (block) => defaultFilling(graph, block),
};

/** Of one block. */
export function defaultFilling(graph: ArchitectureGraph, block: StartingBlock): Filling {
  const { origin, shape } = block;
  return (
    block.block.fallback ?? familyFilling(graph, block) ?? usualFilling(origin, shape, graph.initializerRange)
  );
}
