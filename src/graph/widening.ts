/**
 * Function-preserving widening: a network whose weights are those of a narrower one, its base, repeated. Entry i of a
 * widened dimension is the base's entry i mod n, and a layer that sums over copies of its input has its weight divided
 * by their number. Residual streams, heads and hidden layers of the wide network are then copies of the base's, and what
 * it answers is the same; `docs/decisions/015-widening.md` has the whole of it.
 */

import type { ArchitectureGraph, GraphNode, Parameter } from './graph';
import { quoted, type Violations } from './violations';

/** How a network is made of a narrower one. */
export interface Widening {
  /** How often the base's weights are repeated: 2 or more. */
  readonly copies: number;
  /** The same nodes, edges and parameters in the same order; some dimensions are a `copies`-th. */
  readonly base: ArchitectureGraph;
  /** Names of the parameters whose elements are those of the base divided by `copies`. */
  readonly divided: ReadonlySet<string>;
}

/**
 * Makes a graph of its base's. Adds a violation on `field` and returns undefined where no division of weights makes up
 * for the repetition.
 */
export function widen(
  graph: ArchitectureGraph,
  base: ArchitectureGraph,
  copies: number,
  field: string,
  violations: Violations,
): Widening | undefined {
  checkAlike(graph, base, copies);
  const divided = new Set<string>();
  let possible = true;
  for (const [index, parameter] of graph.parameters.entries()) {
    const isWidened = (axis: number): boolean =>
      parameter.shape[axis] !== base.parameters[index]?.shape[axis];
    if (parameter.feeding === undefined) {
      const { inputAxis, tiedTo } = parameter;
      if (tiedTo === undefined && inputAxis !== undefined && isWidened(inputAxis))
        divided.add(parameter.name);
    } else if (isWidened(1)) {
      // The table itself must stay as it is for those who look tokens up in it.
      const norm = normParameters(graph, parameter.feeding);
      norm.forEach(({ name }) => divided.add(name));
      if (norm.length > 0) continue;
      possible = false;
      const feeding = quoted(graph.nodes[parameter.feeding]?.name);
      violations.add(
        field,
        `is ${copies}; at most 1 is allowed: ${quoted(parameter.name)} is tied to ${quoted(parameter.tiedTo)}, and node ` +
          `${feeding}, which it reads, is no norm of its own that could be divided in its place`,
      );
    }
  }
  return possible ? { copies, base, divided } : undefined;
}

/** The parameters of a node that is a norm and is read by nothing but the layer that the graph leaves out, and its bias. */
function normParameters(graph: ArchitectureGraph, node: number): readonly Parameter[] {
  const readByOthers = graph.edges.some(
    ({ source, target }) => source === node && graph.nodes[target]?.operation !== 'bias',
  );
  const own = graph.parameters.filter(({ blocks }) =>
    blocks.some(({ origin }) => origin.kind === 'prediction' && origin.node === node),
  );
  const isNorm = own.some(({ blocks }) =>
    blocks.some(({ origin }) => origin.kind === 'prediction' && origin.role === 'norm_weight'),
  );
  return isNorm && !readByOthers ? own : [];
}

/** A front-end that builds another network for other widths is a fault. */
function checkAlike(graph: ArchitectureGraph, base: ArchitectureGraph, copies: number): void {
  const fit = (wide: readonly number[], narrow: readonly number[] | undefined): boolean =>
    wide.length === narrow?.length &&
    wide.every((size, axis) => size === narrow[axis] || size === (narrow[axis] ?? 0) * copies);
  const nodesFit = (node: GraphNode, index: number): boolean => {
    const other = base.nodes[index];
    return node.operation === other?.operation && fit(node.shape, other.shape);
  };
  const parametersFit = ({ name, shape, blocks }: Parameter, index: number): boolean => {
    const other = base.parameters[index];
    return name === other?.name && blocks.length === other.blocks.length && fit(shape, other.shape);
  };
  const alike =
    graph.nodes.length === base.nodes.length &&
    graph.parameters.length === base.parameters.length &&
    graph.nodes.every(nodesFit) &&
    graph.parameters.every(parametersFit);
  if (!alike) throw new Error(`${graph.name} has no base that is narrower by ${copies}`);
}
