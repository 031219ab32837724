/** Compares graphs whatever the order of their nodes and the names of those without parameters. */

import { createHash } from 'node:crypto';
import type { GraphEdge } from '../../src/graph/graph';

export interface StructureNode {
  readonly operation: string;
  readonly shape: readonly number[];
  /** Empty: none that counts. */
  readonly name: string;
}

/**
 * A line for each node and each edge, sorted; equal for graphs that are the same but for the order of their nodes. A
 * node's label stands for all that lies before it and behind it; two nodes must not have the same, or this throws.
 */
export function structure(nodes: readonly StructureNode[], edges: readonly GraphEdge[]): string[] {
  const before = labels(nodes, edges);
  const behind = labels(
    nodes,
    edges.map(({ source, target }) => ({ source: target, target: source })),
  );
  const label = nodes.map(({ operation, shape, name }, index) => {
    const place = digest([before[index], behind[index]]).slice(0, 8);
    return `${operation} ${name} [${shape.join(', ')}] ${place}`;
  });
  if (new Set(label).size < label.length) throw new Error('two nodes look alike');
  const lines = edges.map(({ source, target }) => `${label[source] ?? ''} -> ${label[target] ?? ''}`);
  return [...label, ...lines].sort();
}

/** The operation, shape and name of each node and of all nodes from which it can be reached. */
function labels(nodes: readonly StructureNode[], edges: readonly GraphEdge[]): string[] {
  const sources = nodes.map((): number[] => []);
  for (const { source, target } of edges) sources[target]?.push(source);
  const known = new Map<number, string>();
  const labelOf = (index: number): string => {
    const found = known.get(index);
    if (found !== undefined) return found;
    const own = nodes[index];
    const label = digest([own?.operation, own?.name, own?.shape, (sources[index] ?? []).map(labelOf).sort()]);
    known.set(index, label);
    return label;
  };
  return nodes.map((_, index) => labelOf(index));
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
