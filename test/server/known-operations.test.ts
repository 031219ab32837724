import type { Bundle } from '../../src/hypernet/bundle';
import { checkOperations } from '../../src/server/known-operations';
import { linearGraph, node } from '../graph/sample-graphs';
import { received } from '../architecture/requests';
import { hypernetJson, manifest } from '../support/hypernet-config';
import { refusalOf } from '../support/refusal';

const bundle = (name: string, ...more: string[]): [string, Bundle] => {
  const hypernet = hypernetJson({ operations: ['conv', 'sum', 'input', 'bias', ...more] });
  return [name, { manifest: manifest({ name, hypernet }), directory: `/models/${name}`, fingerprint: '' }];
};
const bundles = new Map([bundle('plain'), bundle('gated', 'gate'), bundle('language', 'gate', 'rot_emb')]);
const graph = linearGraph({
  nodes: [node('input', 'input'), node('a', 'gate'), node('b', 'gate'), node('c', 'rot_emb')],
});
const fromGraph = received({ graph: {} });
const fromConfig = received({ transformersConfig: Buffer.from('{}') });

function check(model: string, source = fromConfig, among = bundles): void {
  const chosen = among.get(model);
  if (chosen === undefined) throw new Error(`there is no ${model}`);
  checkOperations(graph, source, chosen, among);
}

test('a model that knows all operations is fine', () => {
  expect(() => {
    check('language');
  }).not.toThrow();
});

test('each operation that the model does not know is named, and the models that know all', async () => {
  const error = await refusalOf(() => {
    check('plain');
  });
  expect(error.kind).toBe('invalid_argument');
  const known =
    "plain knows conv, sum, input, bias; models here that know all of this architecture's: language";
  expect(error.violations).toEqual([
    { field: 'architecture', description: `has the operation "gate" (a): ${known}` },
    { field: 'architecture', description: `has the operation "rot_emb" (c): ${known}` },
  ]);
});

test('an explicit graph is told which node it is, and where no model knows all, that', async () => {
  const few = new Map([bundle('plain'), bundle('gated', 'gate')]);
  const error = await refusalOf(() => {
    check('gated', fromGraph, few);
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
