import fc from 'fast-check';
import { toProtoGraph } from '../../src/architecture/explicit-graph';
import { formatGraphJson, parseGraphJson } from '../../src/architecture/graph-json';
import { acyclicGraphs } from '../graph/sample-graphs';
import { violations } from './requests';

function found(value: unknown): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return violations(() => parseGraphJson(text)).map(({ field, description }) => `${field}: ${description}`);
}

test('a graph is read as it was written', () => {
  fc.assert(
    fc.property(acyclicGraphs, (graph) => {
      const message = toProtoGraph(graph);
      expect(parseGraphJson(formatGraphJson(message))).toEqual(message);
      expect(parseGraphJson(JSON.stringify(message))).toEqual(message);
    }),
  );
});

test('the other spellings of the JSON mapping are read too', () => {
  const text = JSON.stringify({
    name: null,
    nodes: [{ name: 'a', operation: 'conv', shape: ['4', 3] }],
    parameters: [
      { tied_to: 'b' },
      { blocks: [{ length: '4', initialization: { rule: 'RULE_NORMAL', standard_deviation: 0.5 } }] },
    ],
  });
  expect(parseGraphJson(text)).toEqual({
    nodes: [{ name: 'a', operation: 'conv', shape: [4, 3] }],
    parameters: [
      { tiedTo: 'b' },
      { blocks: [{ length: 4, initialization: { rule: 'RULE_NORMAL', standardDeviation: 0.5 } }] },
    ],
  });
});

test.each([
  ['nodes: 3', 'graph: is not JSON: '],
  [[], 'graph: must be an object, not []'],
  [{ layers: 3 }, 'layers: is not a field; there are name, family, nodes, edges, parameters'],
  [{ nodes: {} }, 'nodes: must be a list, not an object'],
  [{ nodes: [{ op: 'conv' }] }, 'nodes[0].op: is not a field; there are name, operation, shape'],
  [{ nodes: [{ name: 3 }] }, 'nodes[0].name: must be a string, not 3'],
  [{ nodes: [{ shape: [1, 'two'] }] }, 'nodes[0].shape[1]: must be an integer below 2^53, not "two"'],
  [{ nodes: [{ shape: [1.5] }] }, 'nodes[0].shape[0]: must be an integer below 2^53, not 1.5'],
  [{ nodes: [null] }, 'nodes[0]: must be an object, not null'],
  [{ edges: [{ source: -1 }] }, 'edges[0].source: must be an integer from 0 to 2^32 - 1, not -1'],
  [
    { parameters: [{ blocks: [{ prediction: { role: 'matrix' } }] }] },
    'parameters[0].blocks[0].prediction.role: must be one of ROLE_UNSPECIFIED, ROLE_MATRIX',
  ],
  [
    { parameters: [{ blocks: [{ prediction: { classifier: 1 } }] }] },
    'parameters[0].blocks[0].prediction.classifier: must be true or false, not 1',
  ],
  [
    { parameters: [{ blocks: [{ initialization: { standardDeviation: '1' } }] }] },
    'parameters[0].blocks[0].initialization.standardDeviation: must be a number, not "1"',
  ],
  [
    { parameters: [{ tiedTo: 'a', tied_to: 'a' }] },
    'parameters[0].tied_to: is given twice, as tiedTo and tied_to',
  ],
])('%j is refused', (value, expected) => {
  const [message, ...others] = found(value);
  expect(message?.slice(0, expected.length)).toBe(expected);
  expect(others).toEqual([]);
});
