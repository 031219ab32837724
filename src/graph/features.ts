import { degrees, shortestPaths, type Distances } from './distances';
import { foldedShape, type ArchitectureGraph } from './graph';

/** What the encoder reads of a graph of N nodes. */
export interface EncoderFeatures {
  readonly nodeCount: number;
  /** [N]: rows of the model's operation table. */
  readonly operation: Int32Array;
  /** [N, 4]: out, in, height, width; all 0 where the node has no shape. */
  readonly shape: Int32Array;
  /** [N, N]: shortest directed paths, 0 where there is none within the cutoff. */
  readonly distance: Distances;
  /** [N] each: direct edges. */
  readonly edgesIn: Int32Array;
  readonly edgesOut: Int32Array;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Expects a graph of operations that the model knows. */
export function encoderFeatures(
  graph: ArchitectureGraph,
  operations: readonly string[],
  cutoff: number,
): EncoderFeatures {
  const [unknown] = unknownOperations(graph, operations);
  if (unknown !== undefined) throw new Error(`node ${unknown} has an operation that the model does not know`);
  const rows = new Map(operations.map((operation, row) => [operation, row]));
  const nodeCount = graph.nodes.length;
  const shape = new Int32Array(nodeCount * 4);
  graph.nodes.forEach((node, index) => {
    shape.set(shapeSlots(node.shape), index * 4);
  });
  const { into, outOf } = degrees(graph);
  return {
    nodeCount,
    operation: Int32Array.from(graph.nodes, (node) => rows.get(node.operation) ?? 0),
    shape,
    distance: shortestPaths(graph, cutoff),
    edgesIn: into,
    edgesOut: outOf,
  };
}

/** The first node of each operation that is not among a model's. */
export function unknownOperations(graph: ArchitectureGraph, operations: readonly string[]): number[] {
  const known = new Set(operations);
  return graph.nodes.flatMap(({ operation }, index) => {
    if (known.has(operation)) return [];
    known.add(operation);
    return [index];
  });
}

/**
 * A node's shape as (out, in, height, width). (n) is (n, 1, 1, 1); (o, i) is (o, i, 1, 1); (1, t, c) with t and c
 * above 1 is (1, c, s, s) with s = floor(sqrt(t)); other (a, b, c) is (a, b, c, 1); no shape is all 0; of more than four
 * dimensions (o, i, ..., h, w), those in between count as input channels.
 */
export function shapeSlots(shape: readonly number[]): number[] {
  if (shape.length === 0) return [0, 0, 0, 0];
  const [out = 1, second = 1, third = 1, fourth = 1] = foldedShape(shape).map((size) =>
    Math.min(size, MAX_INT32),
  );
  if (shape.length === 3 && out === 1 && second > 1 && third > 1) {
    const side = Math.floor(Math.sqrt(second));
    return [1, third, side, side];
  }
  return [out, second, third, fourth];
}
