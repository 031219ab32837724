import { graph, type NodeText } from './onnx-bytes';
import { read } from './reading';
import { violations } from '../requests';

const branch = (...nodes: NodeText[]): Buffer => graph({ nodes, inputs: [], outputs: ['z'] });
const layer = (weight: string, from = 'x', to = 'z'): NodeText => ({
  op: 'MatMul',
  in: [from, weight],
  out: [to],
});
const activation = (from = 'x'): NodeText => ({ op: 'Relu', in: [from], out: ['z'] });

/** Of a model that chooses by data; the weights are the model's own, not the branches'. */
const choice = (yes: Buffer, no: Buffer): ReturnType<typeof read> =>
  read({
    nodes: [{ op: 'If', in: ['c'], out: ['y'], name: 'choice', graph: yes, otherGraph: no }],
    inputs: ['x', 'c'],
    tensors: { w: [4, 4], v: [4, 4] },
  });
const parameters = (yes: Buffer, no: Buffer): string[] => choice(yes, no).parameters.map(({ name }) => name);

test('a choice between branches that read different weights of the model is refused', () => {
  const [found] = violations(() => choice(branch(layer('w')), branch(layer('v'))));
  expect(found?.description).toBe(
    'node 0 "choice" ("If") chooses between two branches with weights by its data; ' +
      'export each of them as a model of its own',
  );
});

test('the branch that reads weights of the model is the network, however long the other is', () => {
  const without = branch({ ...activation(), out: ['u'] }, activation('u'));
  expect(parameters(branch(layer('w')), without)).toEqual(['w']);
  expect(parameters(without, branch(layer('w')))).toEqual(['w']);
});

test('the branch that reads all the weights that the other does is the network', () => {
  const both = branch(layer('w', 'x', 'u'), layer('v', 'u'));
  expect(parameters(branch(layer('w')), both)).toEqual(['w', 'v']);
  expect(parameters(both, branch(layer('w')))).toEqual(['w', 'v']);
  expect(parameters(branch(layer('w')), branch(layer('w', 'x', 'u'), activation('u')))).toEqual(['w']);
});
