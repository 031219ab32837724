import { createHash } from 'node:crypto';
import { fillingNumber, type ArchitectureGraph, type Block, type Parameter } from './graph';

/** Changes with the serialisation below, so that old hashes and new ones never meet. */
const VERSION = 'logah graph 1';

/**
 * Lower-case hexadecimal SHA-256 of all of the graph that a result depends on: operations, shapes, edges and
 * parameters. The names of the graph, its family and its nodes do not count, nor does the order of the edges.
 */
export function graphHash(graph: ArchitectureGraph): string {
  const edges = graph.edges.map(({ source, target }) => [source, target] as const);
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const hash = createHash('sha256');
  hash.update(JSON.stringify([VERSION, graph.nodes.map(({ operation, shape }) => [operation, shape])]));
  hash.update(JSON.stringify(edges));
  hash.update(JSON.stringify(graph.parameters.map(parameterFields)));
  return hash.digest('hex');
}

function parameterFields({ name, shape, axis, blocks, tiedTo, layout }: Parameter): unknown[] {
  if (tiedTo !== undefined) return [name, shape, tiedTo];
  const stored = layout === undefined ? [] : [[layout.order, layout.shape]];
  return [name, shape, axis, blocks.map(blockFields), ...stored];
}

function blockFields({ length, origin }: Block): unknown[] {
  return origin.kind === 'prediction'
    ? [length, origin.node, origin.role, origin.classifier, origin.slot]
    : [length, origin.rule, fillingNumber(origin)];
}
