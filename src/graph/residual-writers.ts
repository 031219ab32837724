/** Which weights write to a residual stream, and at what depth. */

import type { ArchitectureGraph } from './graph';

/** Depth counts in layers of two branches (attention and MLP), from 0. */
export interface ResidualWriters {
  /** Nodes with a weight that is the last of a branch. */
  readonly writers: ReadonlySet<number>;
  /** The layer of each node that lies in a branch or behind one. */
  readonly layers: ReadonlyMap<number, number>;
}

const WEIGHT_OPERATIONS = new Set(['conv', 'sep_conv', 'dil_conv']);

/**
 * A `sum` of which one input comes before another is where a branch joins the stream: the last weights of the branch write
 * to it. A sum of tokens and positions is none.
 */
export function residualWriters(graph: ArchitectureGraph): ResidualWriters {
  const sources: number[][] = graph.nodes.map(() => []);
  const targets: number[][] = graph.nodes.map(() => []);
  for (const { source, target } of graph.edges) {
    sources[target]?.push(source);
    targets[source]?.push(target);
  }
  const order = topologicalOrder(sources, targets);
  const rank = new Array<number>(order.length);
  for (const [position, node] of order.entries()) rank[node] = position;
  const writers = new Set<number>();
  const branches = new Array<number>(order.length).fill(0);
  const joins = new Set<number>();
  for (const node of order) {
    const inputs = sources[node] ?? [];
    const before = inputs.reduce((most, input) => Math.max(most, branches[input] ?? 0), 0);
    const joined = graph.nodes[node]?.operation === 'sum' ? joiningBranches(inputs, sources, rank) : [];
    branches[node] = before + joined.length;
    if (joined.length > 0) joins.add(node);
    for (const branch of joined) {
      for (const writer of lastWeights(branch, graph, sources, joins)) writers.add(writer);
    }
  }
  return {
    writers,
    layers: new Map(branches.map((count, node) => [node, Math.floor(count / 2)])),
  };
}

/** The inputs of a sum that another of its inputs comes before. */
function joiningBranches(
  inputs: readonly number[],
  sources: readonly number[][],
  rank: readonly number[],
): number[] {
  const [skip, ...others] = [...inputs].sort((a, b) => (rank[a] ?? 0) - (rank[b] ?? 0));
  if (skip === undefined) return [];
  return others.filter((branch) => isReached(branch, skip, sources, rank));
}

function isReached(
  from: number,
  goal: number,
  sources: readonly number[][],
  rank: readonly number[],
): boolean {
  const seen = new Set([from]);
  const open = [from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node === goal) return true;
    for (const source of sources[node] ?? []) {
      if (seen.has(source) || (rank[source] ?? 0) < (rank[goal] ?? 0)) continue;
      seen.add(source);
      open.push(source);
    }
  }
  return false;
}

/** The weights that stand last on the paths to a node. */
function lastWeights(
  branch: number,
  graph: ArchitectureGraph,
  sources: readonly number[][],
  joins: ReadonlySet<number>,
): number[] {
  const found: number[] = [];
  const seen = new Set([branch]);
  const open = [branch];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { operation = '' } = graph.nodes[node] ?? {};
    if (WEIGHT_OPERATIONS.has(operation)) {
      found.push(node);
      continue;
    }
    // What stands before another join belongs to the stream; other sums are of parallel branches.
    if (joins.has(node)) continue;
    for (const source of sources[node] ?? []) {
      if (seen.has(source)) continue;
      seen.add(source);
      open.push(source);
    }
  }
  return found;
}

/** Expects no cycles. */
function topologicalOrder(sources: readonly number[][], targets: readonly number[][]): number[] {
  const waiting = sources.map((list) => list.length);
  const order = waiting.flatMap((count, node) => (count === 0 ? [node] : []));
  // The order grows while it is read.
  for (const node of order) {
    for (const target of targets[node] ?? []) {
      waiting[target] = (waiting[target] as number) - 1;
      if (waiting[target] === 0) order.push(target);
    }
  }
  return order;
}
