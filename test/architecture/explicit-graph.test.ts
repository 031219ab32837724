import { architectureGraph } from '../../src/architecture';
import { toProtoGraph } from '../../src/architecture/explicit-graph';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { Parameter } from '../../src/gen/logah/v1/Parameter';
import { acyclicGraphs, linearGraph } from '../graph/sample-graphs';
import fc from 'fast-check';
import { generousLimits, received, violations } from './requests';

const linear = toProtoGraph(linearGraph());

function read(changes: ArchitectureGraph, limits = generousLimits): unknown {
  return architectureGraph(received({ graph: { ...linear, ...changes } }), limits);
}

function found(changes: ArchitectureGraph, limits = generousLimits): string[] {
  return violations(() => read(changes, limits)).map(({ field, description }) => `${field}: ${description}`);
}

function parameter(changes: Parameter): ArchitectureGraph {
  return { parameters: [{ name: 'weight', shape: [4, 3], ...changes }] };
}

test('a graph comes back from the wire as it went', () => {
  fc.assert(
    fc.property(acyclicGraphs, (graph) => {
      const message = received({ graph: toProtoGraph(graph) });
      expect(architectureGraph(message, generousLimits)).toEqual(graph);
    }),
  );
});

test.each<[string, ArchitectureGraph, string]>([
  [
    'no role',
    parameter({ blocks: [{ length: 4, prediction: { node: 1 } }] }),
    '.blocks[0].prediction.role: must be one of ROLE_MATRIX, ROLE_EMBEDDING, ROLE_NORM_WEIGHT, ROLE_BIAS, not ROLE_UNSPECIFIED',
  ],
  [
    'a role of the future',
    parameter({ blocks: [{ length: 4, prediction: { node: 1, role: 77 as 1 } }] }),
    '.blocks[0].prediction.role: must be one of ROLE_MATRIX, ROLE_EMBEDDING, ROLE_NORM_WEIGHT, ROLE_BIAS, not 77',
  ],
  [
    'no rule',
    parameter({ blocks: [{ length: 4, initialization: {} }] }),
    '.blocks[0].initialization.rule: must be one of RULE_ZEROS, RULE_ONES, RULE_NORMAL, RULE_TRUNCATED_NORMAL, RULE_CONSTANT, RULE_UNIFORM, RULE_SHIFTED_NORMAL, RULE_BOUNDED_NORMAL, RULE_UNIFORM_BETWEEN, RULE_LOG_UNIFORM, RULE_SEQUENCE, RULE_IDENTITY, RULE_SINUSOIDS, not RULE_UNSPECIFIED',
  ],
  [
    'no origin',
    parameter({ blocks: [{ length: 4 }] }),
    '.blocks[0]: has no origin; prediction or initialization must be set',
  ],
  [
    'neither blocks nor a tie',
    parameter({}),
    ': has neither blocks nor tied_to; exactly one of them must be set',
  ],
  [
    'blocks and a tie',
    parameter({ tiedTo: 'bias', blocks: [{ length: 4, initialization: { rule: 'RULE_ONES' } }] }),
    ': has both blocks and tied_to; exactly one of them must be set',
  ],
  [
    'a size beyond 2^53',
    parameter({
      shape: ['9223372036854775807', 3],
      blocks: [{ length: 4, initialization: { rule: 'RULE_ONES' } }],
    }),
    '.shape[0]: must be an integer from 0 to 2^53 - 1, not 9223372036854776000',
  ],
])('a parameter with %s is refused', (_, changes, expected) => {
  expect(found(changes)).toEqual([`architecture.graph.parameters[0]${expected}`]);
});

test('the rules of graphs are checked, by the names of the contract', () => {
  expect(
    found({
      edges: [
        { source: 0, target: 1 },
        { source: 1, target: 2 },
        { source: 2, target: 7 },
      ],
    }),
  ).toEqual(['architecture.graph.edges[2].target: is 7; the graph has nodes 0 to 2']);
});

test('an empty graph is refused', () => {
  const nothing = { nodes: [], edges: [], parameters: [] };
  expect(found(nothing).map((line) => line.split(':')[0])).toEqual([
    'architecture.graph.nodes',
    'architecture.graph.parameters',
  ]);
});

test.each<[string, ArchitectureGraph, string]>([
  ['nodes', {}, 'has 3 nodes; this server allows 2 (--max-nodes)'],
  [
    'edges',
    { nodes: [], edges: new Array<object>(21).fill({}) },
    'has 21 edges; this server allows 20 (10 times --max-nodes)',
  ],
  [
    'tensors',
    { nodes: [], parameters: new Array<object>(21).fill({}) },
    'has 21 tensors; this server allows 20 (10 times --max-nodes)',
  ],
  [
    'blocks',
    { nodes: [], parameters: [{ blocks: new Array<object>(21).fill({}) }] },
    'has 21 blocks; this server allows 20 (10 times --max-nodes)',
  ],
])('too many %s are refused before they are read', (_, changes, expected) => {
  expect(found(changes, { ...generousLimits, maxNodes: 2 })).toEqual([`architecture.graph: ${expected}`]);
});

test('too many parameters are refused', () => {
  expect(found({}, { ...generousLimits, maxParameters: 15 })).toEqual([
    'architecture.graph: has 16 parameters; this server allows 15 (--max-parameters)',
  ]);
});
