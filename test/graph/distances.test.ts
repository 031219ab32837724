import fc from 'fast-check';
import { degrees, shortestPaths } from '../../src/graph/distances';
import type { ArchitectureGraph } from '../../src/graph/graph';
import { acyclicGraphs, edges, linearGraph, node } from './sample-graphs';

/** By Floyd and Warshall: all lengths at once, in cubic time. */
function floydWarshall({ nodes, edges: all }: ArchitectureGraph, cutoff: number): number[] {
  const count = nodes.length;
  const lengths = Array.from({ length: count }, () => new Array<number>(count).fill(Infinity));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? Infinity;
  for (const { source, target } of all) lengths[source]?.splice(target, 1, 1);
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) lengths[i]?.splice(j, 1, Math.min(at(i, j), at(i, k) + at(k, j)));
    }
  }
  return lengths.flat().map((length) => (length <= cutoff ? length : 0));
}

function chain(count: number): ArchitectureGraph {
  return linearGraph({
    nodes: Array.from({ length: count }, (_, index) => node(`node ${index}`, index === 0 ? 'input' : 'sum')),
    edges: edges(...Array.from({ length: count - 1 }, (_, index) => [index, index + 1] as const)),
  });
}

test('a shortcut makes the path shorter', () => {
  const graph = { ...chain(4), edges: edges([0, 1], [1, 2], [2, 3], [0, 2]) };
  expect([...shortestPaths(graph, 50)]).toEqual([0, 1, 1, 2, 0, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0]);
});

test('paths longer than the cutoff count as none', () => {
  const distances = shortestPaths(chain(6), 3);
  expect([...distances.subarray(0, 6)]).toEqual([0, 1, 2, 3, 0, 0]);
});

test('distances are those of Floyd and Warshall', () => {
  fc.assert(
    fc.property(acyclicGraphs, fc.integer({ min: 1, max: 16 }), (graph, cutoff) => {
      expect([...shortestPaths(graph, cutoff)]).toEqual(floydWarshall(graph, cutoff));
    }),
  );
});

test('distances beyond what a byte holds are kept whole', () => {
  expect([...shortestPaths(chain(400), 399).subarray(0, 400)]).toEqual(
    Array.from({ length: 400 }, (_, at) => at),
  );
});

test('degrees count the nodes that are one step away', () => {
  fc.assert(
    fc.property(acyclicGraphs, (graph) => {
      const count = graph.nodes.length;
      const rows = Array.from({ length: count }, (_, row) => [
        ...shortestPaths(graph, 50).subarray(row * count, (row + 1) * count),
      ]);
      const { into, outOf } = degrees({ ...graph, edges: [...graph.edges, ...graph.edges] });
      expect([...outOf]).toEqual(rows.map((row) => row.filter((length) => length === 1).length));
      expect([...into]).toEqual(rows.map((_, node) => rows.filter((row) => row[node] === 1).length));
    }),
  );
});

test('a chain of 2,000 nodes takes less than a second', () => {
  const start = performance.now();
  expect(shortestPaths(chain(2000), 250)[250]).toBe(250);
  expect(performance.now() - start).toBeLessThan(1000);
});
