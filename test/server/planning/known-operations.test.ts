import type { ArchitectureGraph } from '../../../src/graph/graph';
import type { Bundle } from '../../../src/hypernet/bundle';
import { AS_IT_IS } from '../../../src/plan/widening-choice';
import { knownNetwork, type KnownNetwork } from '../../../src/server/planning/known-operations';
import { linearGraph, node } from '../../graph/sample-graphs';
import { hypernetJson, manifest } from '../../support/hypernet-config';
import { refusalOf } from '../../support/refusal';

const bundle = (name: string, ...more: string[]): [string, Bundle] => {
  const hypernet = hypernetJson({ operations: ['conv', 'sum', 'input', 'bias', ...more] });
  return [name, { manifest: manifest({ name, hypernet }), directory: `/models/${name}`, fingerprint: '' }];
};
const bundles = new Map([bundle('plain'), bundle('gated', 'gate'), bundle('language', 'gate', 'rot_emb')]);
const nodes = [
  node('input', 'input'),
  node('a', 'gate', [8]),
  node('b', 'gate'),
  node('c', 'rot_emb'),
  node('d', 'conv', [4, 8]),
];
const predictedBy = (
  name: string,
  index: number,
  shape: number[],
  role: 'matrix' | 'norm_weight' | 'bias',
) => ({
  name,
  shape,
  axis: 0,
  blocks: [
    {
      length: shape[0] ?? 1,
      origin: { kind: 'prediction', node: index, role, classifier: false, slot: 0 } as const,
    },
  ],
  tiedTo: undefined,
});
const scale = predictedBy('a.weight', 1, [8], 'norm_weight');
const shift = predictedBy('a.bias', 1, [8], 'bias');
const mixed = predictedBy('c.weight', 3, [8, 16], 'matrix');
const weight = predictedBy('d.weight', 4, [4, 8], 'matrix');
/** Without a prediction that any model can make; with one; without predictions of unknown operations. */
const nothingLeft = linearGraph({ nodes, parameters: [scale, shift, mixed] });
const someLeft = linearGraph({ nodes, parameters: [scale, shift, mixed, weight] });
const allLeft = linearGraph({ nodes, parameters: [weight] });

function read(
  graph: ArchitectureGraph,
  model: string,
  { isGraph = false, among = bundles, strict = false } = {},
): KnownNetwork {
  const chosen = among.get(model);
  if (chosen === undefined) throw new Error(`there is no ${model}`);
  return knownNetwork(graph, AS_IT_IS, { isGraph, strict }, chosen, among);
}

test('a model that knows all operations gets the network as it is', () => {
  expect(read(someLeft, 'language')).toMatchObject({ graph: someLeft, warnings: [] });
});

test('what a model does not know is passed by, its parameters get the usual rules, and a warning counts both', () => {
  const { graph, warnings } = read({ ...someLeft, initializerRange: undefined }, 'plain');
  expect(graph.nodes.map(({ operation, shape }) => [operation, ...shape])).toEqual([
    ['input'],
    ['sum'],
    ['sum'],
    ['sum'],
    ['conv', 4, 8],
  ]);
  expect(graph.parameters.map(({ blocks }) => blocks[0]?.origin)).toMatchObject([
    { kind: 'initialization', rule: 'ones' },
    { kind: 'initialization', rule: 'zeros' },
    { kind: 'initialization', rule: 'uniform', bound: 0.25 },
    { kind: 'prediction', node: 4 },
  ]);
  expect(warnings).toEqual([
    {
      kind: 'operations',
      field: 'operations',
      actual: 'gate (2 nodes), rot_emb (1 node)',
      trained: 'conv, sum, input, bias',
      text:
        'operations gate (2 nodes), rot_emb (1 node): model plain does not know them, 3 tensors of 144 parameters are ' +
        "not predicted for that; models here that know all of this architecture's: language",
    },
  ]);
});

test('a network that says how its weights start gets that deviation, and one that states a fallback gets that', () => {
  const fallback = { rule: 'normal', standardDeviation: 0.5 } as const;
  const stated = { ...scale, blocks: scale.blocks.map((block) => ({ ...block, fallback })) };
  const { graph } = read(
    { ...someLeft, parameters: [stated, mixed, weight], initializerRange: 0.03 },
    'plain',
  );
  expect(graph.parameters.map(({ blocks }) => blocks[0]?.origin)).toMatchObject([
    fallback,
    { rule: 'normal', standardDeviation: 0.03 },
    { kind: 'prediction' },
  ]);
});

test('unknown operations that no parameter needs are no reason to refuse a strict request', () => {
  expect(read(allLeft, 'plain', { strict: true }).warnings[0]?.text).toContain('no tensor needs them');
});

test.each([
  ['nothing is left to predict', nothingLeft, false],
  ['a strict request would get something by rule', someLeft, true],
])(
  'where %s, each operation that the model does not know is named, and the models that know all',
  async (_, graph, strict) => {
    const error = await refusalOf(() => {
      read(graph, 'plain', { strict });
    });
    expect(error.kind).toBe('invalid_argument');
    const known =
      "plain knows conv, sum, input, bias; models here that know all of this architecture's: language";
    expect(error.violations).toEqual([
      { field: 'architecture', description: `has the operation "gate" (a): ${known}` },
      { field: 'architecture', description: `has the operation "rot_emb" (c): ${known}` },
    ]);
  },
);

test('an explicit graph is told which node it is, and where no model knows all, that', async () => {
  const few = new Map([bundle('plain'), bundle('gated', 'gate')]);
  const error = await refusalOf(() => {
    read({ ...nothingLeft, parameters: [mixed] }, 'gated', { isGraph: true, among: few });
  });
  expect(error.violations).toEqual([
    {
      field: 'architecture.graph.nodes[3].operation',
      description:
        '"rot_emb" is not an operation of this model: gated knows conv, sum, input, bias, gate; ' +
        "no model here knows all of this architecture's",
    },
  ]);
});
