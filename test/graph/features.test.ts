import { encoderFeatures, shapeSlots, unknownOperations } from '../../src/graph/features';
import { linearGraph, node } from './sample-graphs';

const operations = ['conv', 'sum', 'input', 'bias'];

test.each([
  { shape: [], slots: [0, 0, 0, 0] },
  { shape: [7], slots: [7, 1, 1, 1] },
  { shape: [5, 6], slots: [5, 6, 1, 1] },
  { shape: [1, 197, 768], slots: [1, 768, 14, 14] },
  { shape: [1, 196, 768], slots: [1, 768, 14, 14] },
  { shape: [1, 1, 768], slots: [1, 1, 768, 1] },
  { shape: [2, 9, 4], slots: [2, 9, 4, 1] },
  { shape: [64, 3, 7, 5], slots: [64, 3, 7, 5] },
  { shape: [64, 3, 2, 7, 5], slots: [64, 6, 7, 5] },
  { shape: [8, 3, 2, 4, 7, 5], slots: [8, 24, 7, 5] },
  { shape: [2 ** 40, 3], slots: [2 ** 31 - 1, 3, 1, 1] },
])('shape $shape has slots $slots', ({ shape, slots }) => {
  expect(shapeSlots(shape)).toEqual(slots);
});

test('features have a row of the operation table, four sizes, the distances and the edges of each node', () => {
  expect(encoderFeatures(linearGraph(), operations, 50)).toEqual({
    nodeCount: 3,
    operation: Int32Array.of(2, 0, 3),
    shape: Int32Array.of(0, 0, 0, 0, 4, 3, 1, 1, 4, 1, 1, 1),
    distance: Uint8Array.of(0, 1, 2, 0, 0, 1, 0, 0, 0),
    edgesIn: Int32Array.of(0, 1, 1),
    edgesOut: Int32Array.of(1, 1, 0),
  });
});

test('an operation that the model lacks is found once, at its first node', () => {
  const nodes = [node('input', 'input'), node('a', 'gate'), node('b', 'gate'), node('c', 'rot_emb')];
  const graph = linearGraph({ nodes });
  expect(unknownOperations(graph, operations)).toEqual([1, 3]);
  expect(() => encoderFeatures(graph, operations, 50)).toThrow('node 1 has an operation');
});
