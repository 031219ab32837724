/** A network as the page knows it: its plan, its graph, and which nodes and tensors belong together. */

import type { ArchitectureGraph } from '../../../src/gen/es/logah/v1/architecture_pb';
import { Source, type Plan, type TensorPlan } from '../../../src/gen/es/logah/v1/logah_pb';

/** Where the elements of a tensor come from, for colours and words. */
export type Origin = 'predicted' | 'tiled' | 'rule' | 'tied' | 'kept';

/** A tensor with numbers that JavaScript counts with. */
export interface TensorEntry {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly origin: Origin;
  readonly rank: number;
  readonly predicted: number;
  readonly tiled: number;
  readonly initialized: number;
  readonly tiedTo: string;
  readonly bytes: number;
  readonly sent: boolean;
  /** Indices of the nodes that it is predicted from. */
  readonly nodes: readonly number[];
}

/** A network, planned. */
export interface Network {
  readonly plan: Plan;
  readonly graph: ArchitectureGraph;
  readonly tensors: readonly TensorEntry[];
  readonly tensorByName: ReadonlyMap<string, TensorEntry>;
  /** Tensors of each node, by index. */
  readonly tensorsOfNode: readonly (readonly TensorEntry[])[];
}

const ORIGINS: Readonly<Record<Source, Origin>> = {
  [Source.UNSPECIFIED]: 'rule',
  [Source.PREDICTED]: 'predicted',
  [Source.TILED]: 'tiled',
  [Source.INITIALIZED]: 'rule',
  [Source.TIED]: 'tied',
  [Source.KEPT]: 'kept',
};

/** What people call the origins. */
export const ORIGIN_WORDS: Readonly<Record<Origin, string>> = {
  predicted: 'predicted',
  tiled: 'tiled',
  rule: 'by rule',
  tied: 'tied',
  kept: 'kept',
};

/** A network from a plan and its graph. */
export function networkOf(plan: Plan, graph: ArchitectureGraph): Network {
  const nodesOf = nodeFinder(graph);
  const tensors = plan.tensors.map((tensor, index) => entryOf(tensor, index, nodesOf(index)));
  const tensorsOfNode: TensorEntry[][] = graph.nodes.map(() => []);
  for (const tensor of tensors) for (const node of tensor.nodes) tensorsOfNode[node]?.push(tensor);
  return {
    plan,
    graph,
    tensors,
    tensorByName: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    tensorsOfNode,
  };
}

function entryOf(tensor: TensorPlan, index: number, nodes: readonly number[]): TensorEntry {
  const shape = tensor.shape.map(Number);
  return {
    index,
    name: tensor.name,
    shape,
    elements: shape.reduce((product, size) => product * size, 1),
    origin: ORIGINS[tensor.source],
    rank: tensor.rank,
    predicted: Number(tensor.predictedElements) - Number(tensor.tiledElements),
    tiled: Number(tensor.tiledElements),
    initialized: Number(tensor.initializedElements),
    tiedTo: tensor.tiedTo,
    bytes: Number(tensor.bytes),
    sent: tensor.sent,
    nodes,
  };
}

/** The nodes of a parameter: those of its blocks; of one without, the node of its name, its owner or its module. */
function nodeFinder(graph: ArchitectureGraph): (parameter: number) => readonly number[] {
  const byName = new Map(graph.nodes.map(({ name }, index) => [name, index]));
  const byParameter = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const nodesOf = (index: number, depth = 0): readonly number[] => {
    const parameter = graph.parameters[index];
    if (parameter === undefined) return [];
    const nodes = new Set<number>();
    for (const { origin } of parameter.blocks) {
      if (origin.case === 'prediction') nodes.add(origin.value.node);
    }
    const own = byName.get(parameter.name);
    if (nodes.size === 0 && own !== undefined) nodes.add(own);
    const owner = byParameter.get(parameter.tiedTo);
    if (nodes.size === 0 && owner !== undefined && depth === 0) {
      return nodesOf(graph.parameters.indexOf(owner), 1);
    }
    return [...nodes];
  };
  return nodesOf;
}
