import fc from 'fast-check';
import type { Filling } from '../../src/graph/filling';
import type { ArchitectureGraph, Block, Parameter } from '../../src/graph/graph';
import { validateGraph } from '../../src/graph/validate';
import { generousLimits, violations } from '../architecture/requests';
import { acyclicGraphs, edges, KEPT, linearGraph, node, predicted, predictedBlock } from './sample-graphs';

const [input, conv] = [node('input', 'input'), node('weight', 'conv', [4, 3])];
const weight = predicted('weight', [4, 3], 1, 'matrix');

/** The violations of `linearGraph` with these changes, as "field: description" without the common prefix. */
function found(changes: Partial<ArchitectureGraph>): string[] {
  return violations(() => {
    validateGraph(linearGraph(changes), generousLimits);
  }).map(({ field, description }) => `${field.replace('architecture.graph.', '')}: ${description}`);
}

function withParameter(changes: Partial<Parameter>): Partial<ArchitectureGraph> {
  return { parameters: [{ ...weight, ...changes }] };
}

function withBlock(block: Block): Partial<ArchitectureGraph> {
  return withParameter({ blocks: [block] });
}

test.each<[string, Partial<ArchitectureGraph>, string[]]>([
  [
    'no node',
    { nodes: [], edges: [] },
    ['nodes: is empty', 'parameters[0].blocks[0].prediction.node: is 1', ''],
  ],
  ['no parameter', { parameters: [] }, ['parameters: is empty']],
  [
    'another first node',
    { nodes: [node('a', 'conv')], edges: [] },
    ['nodes[0].operation: must be "input"', '', ''],
  ],
  ['a long graph name', { name: 'n'.repeat(257) }, ['name: has 257 characters; at most 256']],
  ['a long family', { family: 'n'.repeat(257) }, ['family: has 257 characters; at most 256']],
  [
    'an empty node name',
    { nodes: [node('', 'input'), conv, node('bias', 'bias')] },
    ['nodes[0].name: is empty'],
  ],
  [
    'a node name twice',
    { nodes: [input, conv, node('weight', 'bias')] },
    ['nodes[2].name: "weight" is also the name of nodes[1]'],
  ],
  ['no operation', { nodes: [input, conv, node('bias', '')] }, ['nodes[2].operation: is empty']],
  [
    'more dimensions than arrays have',
    { nodes: [input, conv, node('bias', 'bias', new Array<number>(33).fill(1))] },
    ['nodes[2].shape: has 33 dimensions; 0 to 32 are allowed'],
  ],
  [
    'a size of 0',
    { nodes: [input, conv, node('bias', 'bias', [4, 0])] },
    ['nodes[2].shape[1]: must be an integer'],
  ],
  [
    'too many elements',
    { nodes: [input, conv, node('bias', 'bias', [2 ** 30, 2 ** 30])] },
    ['nodes[2].shape: [1073741824,1073741824] has more than 2^53 - 1 elements'],
  ],
])('a graph with %s is refused', (_, changes, expected) => {
  const messages = found(changes);
  expect(messages).toHaveLength(expected.length);
  expected.forEach((start, index) => {
    expect(messages[index]).toMatch(new RegExp(`^${start.replace(/[[\]^().]/g, '\\$&')}`));
  });
});

describe('edges', () => {
  test('to nodes that are not there are refused, with the nodes that are', () => {
    expect(found({ edges: edges([0, 1], [1, 3]) })).toEqual([
      'edges[1].target: is 3; the graph has nodes 0 to 2',
    ]);
  });

  test('from a node to itself are refused', () => {
    expect(found({ edges: edges([0, 1], [1, 2], [1, 1]) })).toEqual([
      'edges[2]: leads from node 1 to itself',
    ]);
  });

  test('into the input are refused', () => {
    expect(found({ edges: edges([0, 1], [1, 2], [2, 0]) })).toEqual([
      'edges[2].target: is node 0, the input, which reads no other node',
    ]);
  });

  test('given twice are refused', () => {
    expect(found({ edges: edges([0, 1], [1, 2], [0, 1]) })).toEqual([
      'edges[2]: 0 to 1 is the same as edges[0]',
    ]);
  });

  test('that make a cycle are refused, with the nodes on it in their order', () => {
    const nodes = [input, conv, node('b', 'sum'), node('c', 'sum'), node('behind', 'sum')];
    const cycle = edges([0, 1], [1, 2], [2, 3], [3, 1], [3, 4]);
    expect(found({ nodes, edges: cycle })).toEqual([
      expect.stringMatching(/^edges: make a cycle: (1 .*2 .*3 .*1|2 .*3 .*1 .*2|3 .*1 .*2 .*3)$/),
    ]);
  });

  test('must reach every node from the input', () => {
    expect(found({ edges: edges([0, 1]) })).toEqual(['nodes[2]: "bias" is not reached: no path from node 0']);
  });

  test('may begin at position embeddings, which must lead somewhere', () => {
    const nodes = [input, conv, node('positions', 'pos_enc', [1, 4, 2, 2]), node('sum', 'sum')];
    const graph = linearGraph({ nodes, edges: edges([0, 1], [1, 3], [2, 3]), parameters: [weight] });
    expect(() => {
      validateGraph(graph, generousLimits);
    }).not.toThrow();
    expect(found({ nodes, edges: edges([0, 1], [1, 3]), parameters: [weight] })).toEqual([
      'nodes[2]: "positions" is not reached: a "pos_enc" without incoming edges needs an outgoing one',
    ]);
  });
});

const filling = (rule: Filling): Block => ({ length: 4, origin: { kind: 'initialization', ...rule } });
const withFilling = (rule: Filling): Partial<ArchitectureGraph> => withBlock(filling(rule));

test.each<[string, Parameter]>([
  ['a scalar', { ...weight, shape: [], blocks: [{ ...filling({ rule: 'constant', value: 1 }), length: 1 }] }],
  ['one without elements', { ...weight, shape: [4, 0], blocks: [] }],
  [
    'one without elements, with a block',
    { ...weight, shape: [0, 4], blocks: [{ ...filling({ rule: 'identity' }), length: 0 }] },
  ],
  ['a kept scalar', KEPT],
  ['a kernel of three dimensions', { ...weight, shape: [4, 3, 2, 5, 5] }],
  [
    'one of 32 dimensions by rule',
    { ...weight, shape: [4, ...new Array<number>(31).fill(1)], blocks: [filling({ rule: 'identity' })] },
  ],
  ['a layer of experts', { ...weight, shape: [6, 4, 3], view: [24, 3], repetitions: 6 }],
])('%s is a parameter', (_, parameter) => {
  expect(() => {
    validateGraph(linearGraph({ parameters: [parameter] }), generousLimits);
  }).not.toThrow();
});

test('repetitions count as blocks that take no room in a request', () => {
  const experts = { ...weight, shape: [1000, 4, 3], view: [4000, 3], repetitions: 1000 };
  const graph = linearGraph({ parameters: [experts] });
  expect(() => {
    validateGraph(graph, { ...generousLimits, maxNodes: 10 });
  }).not.toThrow();
  expect(() => {
    validateGraph(graph, { ...generousLimits, maxNodes: 9 });
  }).toThrow('has 1,000 blocks with repetitions; this server allows 900 (100 times --max-nodes)');
});

test.each<[string, Partial<ArchitectureGraph>, string]>([
  ['no name', withParameter({ name: '' }), 'parameters[0].name: is empty'],
  [
    'four entries of a scalar',
    withParameter({ shape: [] }),
    'parameters[0].blocks: have 4 entries together; dimension 0 has 1',
  ],
  ['a fraction of a size', withParameter({ shape: [4, 2.5] }), 'parameters[0].shape[1]: must be an integer'],
  [
    'an axis that is not there',
    withParameter({ axis: 2 }),
    'parameters[0].axis: is 2; the shape has dimensions 0 to 1',
  ],
  ['no block', withParameter({ blocks: [] }), 'parameters[0]: has neither blocks nor tied_to'],
  [
    'too short blocks',
    withBlock(predictedBlock(3, 1)),
    'parameters[0].blocks: have 3 entries together; dimension 0 has 4',
  ],
  [
    'a block of no length',
    withBlock(predictedBlock(0, 1)),
    'parameters[0].blocks[0].length: must be an integer from 1',
  ],
  [
    'a node that is not there',
    withBlock(predictedBlock(4, 9)),
    'parameters[0].blocks[0].prediction.node: is 9',
  ],
  [
    'a high slot',
    withBlock(predictedBlock(4, 1, 'matrix', 16)),
    'parameters[0].blocks[0].prediction.slot: is 16; 0 to 15',
  ],
  [
    'a matrix as bias',
    withBlock(predictedBlock(4, 1, 'bias')),
    'parameters[0].blocks[0].prediction.role: ROLE_BIAS needs 1',
  ],
  [
    'a vector as matrix',
    withParameter({ shape: [4] }),
    'parameters[0].blocks[0].prediction.role: ROLE_MATRIX needs 2 dimensions or more; the parameter has 1',
  ],
  [
    'three dimensions that no decoder makes',
    withParameter({ shape: [4, 2, 2] }),
    'parameters[0].blocks[0].prediction.role: a block of shape [4,2,2] is not supported',
  ],
  [
    'positions of a node that is no square',
    withParameter({ shape: [1, 9, 3], blocks: [predictedBlock(9, 1)], axis: 1 }),
    'parameters[0].blocks[0].prediction.role: a block of shape [1,9,3] needs a node of shape [1,3,3,3]; the node has [4,3]',
  ],
  [
    'a negative standard deviation',
    withBlock({ length: 4, origin: { kind: 'initialization', rule: 'normal', standardDeviation: -1 } }),
    'parameters[0].blocks[0].initialization.standard_deviation: must be a finite number of at least 0, not -1',
  ],
  [
    'a standard deviation that is no number',
    withBlock({ length: 4, origin: { kind: 'initialization', rule: 'normal', standardDeviation: NaN } }),
    'parameters[0].blocks[0].initialization.standard_deviation: must be a finite number of at least 0, not NaN',
  ],
  [
    'a constant beyond float32',
    withBlock({ length: 4, origin: { kind: 'initialization', rule: 'constant', value: -1e39 } }),
    'parameters[0].blocks[0].initialization.value: must be finite in float32, not -1e+39',
  ],
  [
    'a negative bound',
    withBlock({ length: 4, origin: { kind: 'initialization', rule: 'uniform', bound: -0.5 } }),
    'parameters[0].blocks[0].initialization.bound: must be at least 0 and finite in float32, not -0.5',
  ],
  [
    'a bound beyond float32',
    withBlock({ length: 4, origin: { kind: 'initialization', rule: 'uniform', bound: 1e39 } }),
    'parameters[0].blocks[0].initialization.bound: must be at least 0 and finite in float32, not 1e+39',
  ],
  [
    'bounds the wrong way round',
    withFilling({ rule: 'uniform_between', lower: 1, upper: 1 }),
    'parameters[0].blocks[0].initialization.upper: must be above lower, 1, not 1',
  ],
  [
    'a lower bound of a logarithm at 0',
    withFilling({ rule: 'log_uniform', lower: 0, upper: 1, least: 0 }),
    'parameters[0].blocks[0].initialization.lower: must be above 0, not 0',
  ],
  [
    'the logarithm of negative numbers',
    withFilling({ rule: 'uniform_between', lower: -1, upper: 1, function: 'log' }),
    'parameters[0].blocks[0].initialization.lower: must be at least 0 with a function, not -1',
  ],
  [
    'the logarithm of a sequence that falls',
    withFilling({ rule: 'sequence', start: 4, step: -1, function: 'log' }),
    'parameters[0].blocks[0].initialization.step: must be at least 0 with a function, not -1',
  ],
  [
    'a mean outside bounds that nothing deviates from',
    withFilling({ rule: 'bounded_normal', mean: 3, standardDeviation: 0, lower: 0, upper: 1 }),
    'parameters[0].blocks[0].initialization.mean: must be between 0 and 1 where standard_deviation is 0, not 3',
  ],
  [
    'sinusoids of no base',
    withFilling({ rule: 'sinusoids', start: 0, base: 0, divisor: 1, interleaved: false }),
    'parameters[0].blocks[0].initialization.base: must be above 0 and finite in float32, not 0',
  ],
  [
    'the identity of a vector',
    { parameters: [{ ...weight, shape: [4], blocks: [filling({ rule: 'identity' })] }] },
    'parameters[0].blocks[0].initialization.rule: RULE_IDENTITY needs 2 dimensions or more; the parameter has 1',
  ],
  [
    'a fallback that is no rule for it',
    withBlock({ ...predictedBlock(4, 1), fallback: { rule: 'normal', standardDeviation: -1 } }),
    'parameters[0].blocks[0].fallback.standard_deviation: must be a finite number of at least 0, not -1',
  ],
  [
    'a view of other elements',
    withParameter({ view: [4, 4] }),
    'parameters[0].view: [4,4] has 16 elements; the shape [4,3] has 12',
  ],
  [
    'a view of five dimensions',
    withParameter({ view: [4, 3, 1, 1, 1] }),
    'parameters[0].view: has 5 dimensions; 1 to 4 are allowed',
  ],
  ['an empty view', withParameter({ view: [0, 3] }), 'parameters[0].view[0]: must be an integer from 1'],
  [
    'an axis beyond its view',
    withParameter({ view: [12], axis: 1 }),
    'parameters[0].axis: is 1; the view has dimensions 0 to 0',
  ],
  [
    'too many repetitions',
    withParameter({ repetitions: 3 }),
    'parameters[0].blocks: have 4 entries together, 12 in 3 repetitions; dimension 0 has 4',
  ],
  [
    'blocks beside what is kept',
    withParameter({ keep: 'always' }),
    'parameters[0]: has both blocks and keep KEEP_ALWAYS; one of them must be left out',
  ],
  [
    'a prediction of no elements',
    withParameter({ shape: [4, 0] }),
    'parameters[0].blocks[0].prediction.role: needs elements; the parameter has none',
  ],
  [
    'positions among others',
    withParameter({ shape: [2, 4, 3], blocks: [predictedBlock(1, 1)], repetitions: 2 }),
    'parameters[0].blocks[0].prediction.role: needs a parameter of shape (1, t, c) or a view',
  ],
])('a parameter with %s is refused', (_, changes, expected) => {
  const [message, ...others] = found(changes);
  expect(message?.slice(0, expected.length)).toBe(expected);
  expect(others).toEqual([]);
});

describe('a tied parameter', () => {
  const tie = (tiedTo: string, changes: Partial<Parameter> = {}): string[] =>
    found({
      parameters: [
        weight,
        { ...weight, name: 'tied', blocks: [], tiedTo },
        { ...weight, name: 'second', blocks: [], tiedTo: 'weight', ...changes },
      ],
    });

  test.each([
    ['nothing', 'parameters[1].tied_to: "nothing" is not the name of a parameter'],
    ['tied', 'parameters[1].tied_to: "tied" is the parameter itself'],
    ['second', 'parameters[1].tied_to: "second" is tied too, to "weight"; name that one'],
  ])('to %s is refused', (tiedTo, expected) => {
    expect(tie(tiedTo)).toEqual([expected]);
  });

  test('of another shape is refused with both', () => {
    expect(tie('weight', { shape: [3, 4] })).toEqual([
      'parameters[2].tied_to: "weight" has shape [4,3]; this parameter has [3,4]',
    ]);
  });

  test('counts its elements once', () => {
    const tied = { ...weight, name: 'tied', blocks: [], tiedTo: 'weight' };
    const graph = linearGraph({ parameters: [weight, tied] });
    expect(() => {
      validateGraph(graph, { ...generousLimits, maxParameters: 12 });
    }).not.toThrow();
    expect(() => {
      validateGraph(graph, { ...generousLimits, maxParameters: 11 });
    }).toThrow('has 12 parameters; this server allows 11 (--max-parameters)');
  });
});

test('of many violations the first twenty are listed and the rest counted', () => {
  const nodes = [input, ...Array.from({ length: 50 }, () => node('', 'sum'))];
  const messages = found({
    nodes,
    edges: edges(...nodes.slice(1).map((_, index) => [0, index + 1] as const)),
  });
  expect(messages).toHaveLength(21);
  expect(messages[20]).toBe('architecture: and 30 more violations');
});

test('graphs without cycles are accepted, and refused once an edge leads back', () => {
  fc.assert(
    fc.property(acyclicGraphs, fc.nat(), (graph, choice) => {
      validateGraph(graph, generousLimits);
      const back = graph.edges[choice % graph.edges.length];
      if (back === undefined || back.source === 0) return;
      const cyclic = [...graph.edges, { source: back.target, target: back.source }];
      expect(() => {
        validateGraph({ ...graph, edges: cyclic }, generousLimits);
      }).toThrow('make a cycle');
    }),
  );
});

test('10,000 nodes with 100,000 edges are validated in less than two seconds', () => {
  const count = 10_000;
  const nodes = Array.from({ length: count }, (_, index) =>
    node(`node ${index}`, index === 0 ? 'input' : 'sum'),
  );
  const pairs = nodes.flatMap((_, index) =>
    Array.from({ length: 10 }, (__, step) => [index, index + 1 + step] as const).filter(
      ([, to]) => to < count,
    ),
  );
  const graph = linearGraph({ nodes, edges: edges(...pairs), parameters: [weight] });
  const start = performance.now();
  validateGraph(graph, generousLimits);
  expect(performance.now() - start).toBeLessThan(2000);
});
