import { graphHash } from '../../src/graph/canonical';
import type { ArchitectureGraph, InitializationOrigin } from '../../src/graph/graph';
import { edges, linearGraph, node, predicted, predictedBlock } from './sample-graphs';

/** The same values with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

test('the hash is the same on every machine and in every release', () => {
  expect(graphHash(linearGraph())).toBe('24c82bb96beade206df916d8261a568a1c57279cd3f2f670f0bea5380d8d5f9e');
});

test('the hash depends on neither the order of keys and edges nor names that no result depends on', () => {
  const graph = linearGraph();
  const nodes = graph.nodes.map((each) => ({ ...each, name: `other ${each.name}` }));
  const relabelled = { ...graph, name: 'other', family: 'vit', nodes, sizes: { hidden_size: 3 } };
  const reordered = { ...relabelled, edges: [...graph.edges].reverse() };
  expect(graphHash(reversed(reordered) as ArchitectureGraph)).toBe(graphHash(graph));
});

const weight = predicted('weight', [4, 3], 1, 'matrix');
const bias = predicted('bias', [4], 2, 'bias');
const tied = { ...bias, blocks: [], tiedTo: 'weight' };
const zeros = { length: 4, origin: { kind: 'initialization', rule: 'zeros', standardDeviation: 0 } } as const;

test('every rule and every number of a rule makes another hash', () => {
  const kind = 'initialization';
  const fillings: InitializationOrigin[] = [
    { kind, rule: 'zeros', standardDeviation: 0 },
    { kind, rule: 'normal', standardDeviation: 0.5 },
    { kind, rule: 'normal', standardDeviation: 0.25 },
    { kind, rule: 'uniform', bound: 0.5 },
    { kind, rule: 'uniform', bound: 0.25 },
    { kind, rule: 'constant', value: 0.5 },
    { kind, rule: 'constant', value: -0.5 },
    { kind, rule: 'shifted_normal', mean: 0, standardDeviation: 0.5 },
    { kind, rule: 'uniform_between', lower: 0, upper: 0.5 },
    { kind, rule: 'uniform_between', lower: 0, upper: 0.5, function: 'log' },
    { kind, rule: 'sequence', start: 0.5, step: 1 },
    { kind, rule: 'sinusoids', start: 0, base: 100, divisor: 2, interleaved: false },
    { kind, rule: 'sinusoids', start: 0, base: 100, divisor: 2, interleaved: true },
  ];
  const hashes = fillings.map((origin) =>
    graphHash(linearGraph({ parameters: [weight, { ...bias, blocks: [{ length: 4, origin }] }] })),
  );
  expect(new Set(hashes).size).toBe(fillings.length);
});

test.each<[string, Partial<ArchitectureGraph>]>([
  [
    'operation',
    { nodes: [node('input', 'input'), node('weight', 'sep_conv', [4, 3]), node('bias', 'bias', [4])] },
  ],
  [
    'node shape',
    { nodes: [node('input', 'input'), node('weight', 'conv', [4, 4]), node('bias', 'bias', [4])] },
  ],
  ['edge', { edges: edges([0, 1], [0, 2]) }],
  ['parameter name', { parameters: [weight, { ...bias, name: 'b' }] }],
  ['parameter order', { parameters: [bias, weight] }],
  ['role', { parameters: [predicted('weight', [4, 3], 1, 'embedding'), bias] }],
  ['slot', { parameters: [{ ...weight, blocks: [predictedBlock(4, 1, 'matrix', 1)] }, bias] }],
  ['blocks', { parameters: [{ ...weight, blocks: [predictedBlock(2, 1), predictedBlock(2, 1)] }, bias] }],
  ['rule', { parameters: [{ ...weight, blocks: [zeros] }, bias] }],
  ['tie', { parameters: [weight, tied] }],
  ['keeping', { parameters: [weight, { ...bias, keep: 'unless_predicted' }] }],
  ['view', { parameters: [{ ...weight, view: [2, 6] }, bias] }],
  ['repetition', { parameters: [{ ...weight, blocks: [predictedBlock(2, 1)], repetitions: 2 }, bias] }],
  [
    'fallback',
    {
      parameters: [
        { ...weight, blocks: [{ ...predictedBlock(4, 1), fallback: { rule: 'uniform', bound: 1 } }] },
        bias,
      ],
    },
  ],
])('another %s makes another hash', (_, changes) => {
  expect(graphHash(linearGraph(changes))).not.toBe(graphHash(linearGraph()));
});
