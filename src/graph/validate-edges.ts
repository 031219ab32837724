import { successors } from './distances';
import type { ArchitectureGraph } from './graph';
import { quoted, type Violations } from './violations';

/** Nodes of a cycle named in its violation. */
const NAMED = 8;

/** Edges join nodes that exist, once each, without a cycle, and every node has its place in the data flow. */
export function validateEdges(graph: ArchitectureGraph, violations: Violations): void {
  if (graph.nodes.length === 0 || !validateEnds(graph, violations)) return;
  const cycle = findCycle(graph);
  if (cycle === undefined) validateReach(graph, violations);
  else violations.add('architecture.graph.edges', `make a cycle: ${nodeList(graph, cycle)}`);
}

function validateEnds(graph: ArchitectureGraph, violations: Violations): boolean {
  const count = graph.nodes.length;
  const seen = new Map<number, number>();
  let right = true;
  graph.edges.forEach(({ source, target }, index) => {
    const field = `architecture.graph.edges[${index}]`;
    const wrong = (where: string, description: string): void => {
      right = false;
      violations.add(where, description);
    };
    for (const [end, node] of Object.entries({ source, target })) {
      if (!isIndex(node, count))
        wrong(`${field}.${end}`, `is ${node}; the graph has nodes 0 to ${count - 1}`);
    }
    if (source === target) wrong(field, `leads from node ${source} to itself`);
    if (target === 0) wrong(`${field}.target`, 'is node 0, the input, which reads no other node');
    const key = source * count + target;
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, index);
    else wrong(field, `${source} to ${target} is the same as edges[${earlier}]`);
  });
  return right;
}

/** Whether `index` points into a list of `count` entries. */
export function isIndex(index: number, count: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < count;
}

/** The nodes of one cycle in the order of the data flow, or undefined where there is none. */
function findCycle(graph: ArchitectureGraph): number[] | undefined {
  const count = graph.nodes.length;
  const { starts, targets } = successors(graph);
  const incoming = new Int32Array(count);
  for (const { target } of graph.edges) incoming[target] = (incoming[target] ?? 0) + 1;

  // Kahn: take away nodes that nothing leads to; what stays lies on a cycle or behind one.
  const free = graph.nodes.flatMap((_, node) => (incoming[node] === 0 ? [node] : []));
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    for (const target of targets.subarray(starts[node], starts[node + 1])) {
      const left = (incoming[target] ?? 0) - 1;
      incoming[target] = left;
      if (left === 0) free.push(target);
    }
  }
  const start = incoming.findIndex((left) => left > 0);
  if (start === -1) return undefined;

  // Each node that stays has a predecessor that stays: going back must come round.
  const predecessor = new Map<number, number>();
  for (const { source, target } of graph.edges) {
    if ((incoming[source] ?? 0) > 0) predecessor.set(target, source);
  }
  const path: number[] = [];
  const position = new Map<number, number>();
  let node = start;
  while (!position.has(node)) {
    position.set(node, path.length);
    path.push(node);
    node = predecessor.get(node) ?? start;
  }
  return path.slice(position.get(node)).reverse();
}

/** Every node is reached from the input or from a position embedding that leads somewhere. */
function validateReach(graph: ArchitectureGraph, violations: Violations): void {
  const { starts, targets } = successors(graph);
  const isTarget = new Uint8Array(graph.nodes.length);
  for (const { target } of graph.edges) isTarget[target] = 1;
  const reached = new Uint8Array(graph.nodes.length);
  const queue: number[] = [];
  const reach = (node: number): void => {
    if (reached[node] === 1) return;
    reached[node] = 1;
    queue.push(node);
  };
  graph.nodes.forEach(({ operation }, node) => {
    const isPositions = operation === 'pos_enc' && isTarget[node] === 0 && starts[node] !== starts[node + 1];
    if (node === 0 || isPositions) reach(node);
  });
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    targets.subarray(starts[node], starts[node + 1]).forEach(reach);
  }
  graph.nodes.forEach(({ name, operation }, node) => {
    if (reached[node] === 1) return;
    const remedy =
      operation === 'pos_enc'
        ? 'a "pos_enc" without incoming edges needs an outgoing one'
        : 'no path from node 0';
    violations.add(`architecture.graph.nodes[${node}]`, `${quoted(name)} is not reached: ${remedy}`);
  });
}

function nodeList(graph: ArchitectureGraph, nodes: readonly number[]): string {
  const named = nodes.slice(0, NAMED).map((node) => `${node} (${quoted(graph.nodes[node]?.name)})`);
  const rest = nodes.length - named.length;
  return `${named.join(' -> ')}${rest > 0 ? ` -> ${rest} more` : ''} -> ${nodes[0] ?? 0}`;
}
