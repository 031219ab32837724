import { createHash } from 'node:crypto';
import { fillingNumbers, type Filling } from './filling';
import type { ArchitectureGraph, Block, Parameter } from './graph';
import { updateWithList } from './hash-json';

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
  updateWithList(hash, edges);
  updateWithList(hash, mapped(graph.parameters, parameterFields));
  return hash.digest('hex');
}

function* mapped<Entry>(entries: Iterable<Entry>, map: (entry: Entry) => unknown): Iterable<unknown> {
  for (const entry of entries) yield map(entry);
}

/** Fields that are not set leave no trace: graphs from before there were such have the hashes that they had. */
function parameterFields(parameter: Parameter): unknown[] {
  const { name, shape, axis, blocks, tiedTo, view, repetitions, keep, layout } = parameter;
  if (tiedTo !== undefined) return [name, shape, tiedTo];
  const isPlain = view === undefined && repetitions === undefined && keep === undefined;
  const stored = layout === undefined ? [] : [[layout.order, layout.shape]];
  const more = isPlain ? [] : [{ view, repetitions, keep }];
  return [name, shape, axis, blocks.map(blockFields), ...more, ...stored];
}

function blockFields({ length, origin, fallback }: Block): unknown[] {
  if (origin.kind === 'initialization') return [length, ...fillingFields(origin)];
  const { node, role, classifier, slot } = origin;
  const fields = [length, node, role, classifier, slot];
  return fallback === undefined ? fields : [...fields, fillingFields(fallback)];
}

function fillingFields(filling: Filling): unknown[] {
  return [filling.rule, ...fillingNumbers(filling)];
}
