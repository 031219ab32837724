/** The front-ends beside the LoGAH authors' own tracer; test/fixtures/authors/README.md says where its graphs are from. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchitectureGraph, GraphEdge } from '../../src/graph/graph';
import { structure, type StructureNode } from './graph-structure';
import { fromConfig } from './requests';

const DIRECTORY = join(__dirname, '..', 'fixtures', 'authors');

interface AuthorsGraph {
  readonly config: object;
  readonly nodes: readonly (readonly [operation: string, name: string, shape: readonly number[]])[];
  readonly edges: readonly (readonly [source: number, target: number])[];
}

interface Graph {
  readonly nodes: readonly StructureNode[];
  readonly edges: readonly GraphEdge[];
}

function read(name: string): { theirs: Graph; ours: Graph } {
  const text = readFileSync(join(DIRECTORY, `${name}.json`), 'utf8');
  const { config, nodes, edges } = JSON.parse(text) as AuthorsGraph;
  const graph = fromConfig(config);
  const ties = new Map(graph.parameters.map((parameter) => [parameter.name, parameter.tiedTo]));
  const theirs = {
    nodes: nodes.map(([operation, own, shape]) => ({
      operation,
      shape,
      // A tied tensor has the last of its names there, the first here.
      name: /\.(weight|bias)$/.test(own) ? (ties.get(own) ?? own) : '',
    })),
    edges: edges.map(([source, target]) => ({ source, target })),
  };
  return { theirs, ours: namedByParameters(graph) };
}

function namedByParameters({ nodes, edges, parameters }: ArchitectureGraph): Graph {
  const names = new Set(parameters.map((parameter) => parameter.name));
  return { edges, nodes: nodes.map((node) => ({ ...node, name: names.has(node.name) ? node.name : '' })) };
}

function indexOf({ nodes }: Graph, name: string): number {
  return nodes.findIndex((node) => node.name === name);
}

const lines = ({ nodes, edges }: Graph): string[] => structure(nodes, edges);

test.each([
  'bert-masked-untied',
  'bert-sequence',
  'gpt2-tied',
  'llama-one-layer',
  'llama-tied-grouped',
  'llama-untied',
  'roberta-masked-untied',
  'roberta-sequence',
])('the graph of %s is that of the authors’ tracer', (name) => {
  const { ours, theirs } = read(name);
  expect(lines(ours)).toEqual(lines(theirs));
});

test('the head of an untied GPT-2 reads the last norm, not the input', () => {
  const { ours, theirs } = read('gpt2-untied');
  const head = indexOf(ours, 'lm_head.weight');
  const edges = ours.edges.map((edge) => (edge.target === head ? { ...edge, source: 0 } : edge));
  expect(lines({ ...ours, edges })).toEqual(lines(theirs));
});

test('attention reads queries and keys after their rotary embedding only, whether they have biases or not', () => {
  const { ours, theirs } = read('llama-biases');
  const softmax = ours.nodes.flatMap(({ operation }, index) => (operation === 'msa' ? [index] : []));
  const more = softmax.flatMap((target, layer) =>
    ['q', 'k'].map((part) => ({
      source: indexOf(ours, `model.layers.${layer}.self_attn.${part}_proj.bias`),
      target,
    })),
  );
  expect(lines({ ...ours, edges: [...ours.edges, ...more] })).toEqual(lines(theirs));
});

test('fused attention, which the authors’ tracer does not see, is attention all the same', () => {
  const { ours, theirs } = read('llama-untied-sdpa');
  const nodes = ours.nodes.map((node) => (node.operation === 'msa' ? { ...node, operation: 'sum' } : node));
  const edges = ours.edges.filter(({ target }) => ours.nodes[target]?.operation !== 'msa');
  ours.nodes.forEach(({ operation }, softmax) => {
    if (operation !== 'msa') return;
    const [query = -1, key = -1, value = -1] = ours.edges.flatMap(({ source, target }) =>
      target === softmax ? [source] : [],
    );
    const projection = ours.edges.find(({ target }) => target === query)?.source ?? -1;
    const output = ours.edges.find(({ source }) => source === softmax)?.target ?? -1;
    const keys = ours.edges.find(({ target }) => target === key)?.source ?? -1;
    for (const source of [projection, query]) edges.push({ source, target: softmax });
    for (const source of [keys, key, value]) edges.push({ source, target: output });
  });
  expect(lines({ nodes, edges })).toEqual(lines(theirs));
});
