import type { ArchitectureGraph } from './graph';

/** Lengths of paths; bytes where none is longer than they hold. */
export type Distances = Uint8Array | Int32Array;

/** The longest path that a byte holds. */
export const LONGEST_IN_BYTES = 255;

/**
 * Lengths of the shortest directed paths, [N, N] row-major from source to target: 0 where there is none, or where
 * it is longer than `cutoff`. Expects a graph without cycles (`validateGraph`).
 */
export function shortestPaths(graph: ArchitectureGraph, cutoff: number): Distances {
  const count = graph.nodes.length;
  const { starts, targets } = successors(graph);
  const distances =
    cutoff <= LONGEST_IN_BYTES ? new Uint8Array(count * count) : new Int32Array(count * count);
  const queue = new Int32Array(count);
  for (let source = 0; source < count; source++) {
    const row = distances.subarray(source * count, (source + 1) * count);
    queue[0] = source;
    let queued = 1;
    for (let head = 0; head < queued; head++) {
      const here = queue[head] ?? 0;
      const next = (row[here] ?? 0) + 1;
      if (next > cutoff) break;
      const end = starts[here + 1] ?? 0;
      for (let edge = starts[here] ?? 0; edge < end; edge++) {
        const target = targets[edge] ?? 0;
        if (row[target] !== 0 || target === source) continue;
        row[target] = next;
        queue[queued++] = target;
      }
    }
  }
  return distances;
}

/** Edges into each node and out of it, [N] each; several from one node to another count once. */
export function degrees(graph: ArchitectureGraph): { into: Int32Array; outOf: Int32Array } {
  const count = graph.nodes.length;
  const { starts, targets } = successors(graph);
  const into = new Int32Array(count);
  const outOf = new Int32Array(count);
  const lastSource = new Int32Array(count).fill(-1);
  for (let source = 0; source < count; source++) {
    for (const target of targets.subarray(starts[source], starts[source + 1])) {
      if (target === source || lastSource[target] === source) continue;
      lastSource[target] = source;
      into[target] = (into[target] ?? 0) + 1;
      outOf[source] = (outOf[source] ?? 0) + 1;
    }
  }
  return { into, outOf };
}

/** Each node's successors, one list behind the other: those of node i are targets[starts[i] .. starts[i + 1] - 1]. */
export function successors(graph: ArchitectureGraph): { starts: Int32Array; targets: Int32Array } {
  const count = graph.nodes.length;
  const starts = new Int32Array(count + 1);
  for (const { source } of graph.edges) starts[source + 1] = (starts[source + 1] ?? 0) + 1;
  for (let node = 0; node < count; node++) starts[node + 1] = (starts[node + 1] ?? 0) + (starts[node] ?? 0);
  const targets = new Int32Array(graph.edges.length);
  const free = starts.slice();
  for (const { source, target } of graph.edges) {
    const position = free[source] ?? 0;
    targets[position] = target;
    free[source] = position + 1;
  }
  return { starts, targets };
}
