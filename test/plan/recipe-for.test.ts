import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PredictionOrigin, Role } from '../../src/graph/graph';
import { fanInScale, fillRecipe, predictedRecipe, roundedLength } from '../../src/plan/recipe-for';
import { hypernetConfig } from '../support/hypernet-config';

const origin = (role: Role, changes: Partial<PredictionOrigin> = {}): PredictionOrigin => ({
  kind: 'prediction',
  node: 3,
  role,
  classifier: false,
  slot: 0,
  ...changes,
});

test('the rounded length of a vector is the one of the Python package', () => {
  const path = join(__dirname, '..', 'fixtures', 'numbers', 'rounded-sizes.json');
  const triples = JSON.parse(readFileSync(path, 'utf8')) as [number, number, number][];
  for (const [length, largest, rounded] of triples) {
    expect([length, largest, roundedLength(length, largest)]).toEqual([length, largest, rounded]);
  }
});

describe('the scale of a weight', () => {
  it.each([
    ['a matrix', 'matrix', [64, 50], Math.sqrt(2 / 50)],
    ['a kernel', 'matrix', [64, 3, 5, 5], Math.sqrt(2 / 75)],
    ['a depthwise kernel', 'matrix', [64, 1, 3, 3], Math.sqrt(1 / 9)],
    ['a kernel that is wider than high', 'matrix', [8, 4, 1, 7], Math.sqrt(1 / 28)],
    ['a kernel that is higher than wide', 'matrix', [8, 4, 7, 1], Math.sqrt(2 / 28)],
    ['position embeddings', 'matrix', [1, 17, 96], 1],
    ['narrow position embeddings', 'matrix', [1, 17, 10], Math.sqrt(2 / 170)],
    ['an embedding table', 'embedding', [100, 50], 1],
  ] as [string, Role, number[], number][])('%s', (_, role, shape, scale) => {
    expect(fanInScale(role, shape, hypernetConfig())).toBeCloseTo(scale, 15);
  });

  it('of an embedding table is by fan-in where the model says so', () => {
    const config = hypernetConfig({ embedding_scale: 'fan_in' });
    expect(fanInScale('embedding', [100, 50], config)).toBeCloseTo(Math.sqrt(2 / 50), 15);
    expect(predictedRecipe(origin('embedding'), [20, 8], [], config)).toMatchObject({
      recipe: { scale: 0.5 },
    });
  });
});

describe('the low-rank recipe', () => {
  const config = hypernetConfig();

  it('of a matrix repeats what exceeds max_shape', () => {
    expect(predictedRecipe(origin('matrix'), [100, 50], [], config)).toMatchObject({
      recipe: { kind: 'matrix', node: 3, m: 64, n: 32 },
      rank: 8,
      distinct: 64 * 32,
    });
    expect(predictedRecipe(origin('matrix'), [5, 6], [], config)).toMatchObject({ rank: 5, distinct: 30 });
  });

  it('of a kernel also stays within the rows of the factors', () => {
    expect(predictedRecipe(origin('matrix'), [60, 30, 3, 5], [], config)).toMatchObject({
      recipe: { kind: 'kernel', o: 42, i: 25, h: 3, w: 5 },
      distinct: 42 * 25 * 15,
    });
  });

  it("of position embeddings has the node's square", () => {
    expect(predictedRecipe(origin('matrix'), [1, 16, 96], [1, 96, 4, 4], config)).toMatchObject({
      recipe: { kind: 'position', c: 32, s: 4, scale: 1 },
      rank: 4,
      distinct: 16 * 32,
    });
  });

  it('of a vector has the rounded length, and the second row for a bias', () => {
    expect(predictedRecipe(origin('norm_weight'), [12], [], config)).toMatchObject({
      recipe: { kind: 'vector', row: 0, length: 12, rounded: 16, layout: 'column' },
      rank: 0,
      distinct: 12,
    });
    expect(predictedRecipe(origin('bias'), [100], [], config)).toMatchObject({
      recipe: { row: 1, length: 64, rounded: 64 },
      distinct: 64,
    });
  });

  it('of a vector is a pair of columns where the decoder is aligned', () => {
    const aligned = hypernetConfig({ decoder: 'aligned', slots: 3 });
    expect(predictedRecipe(origin('bias', { slot: 2 }), [12], [], aligned).recipe).toMatchObject({
      slot: 2,
      length: 12,
      rounded: 12,
      layout: 'pair',
    });
  });
});

describe('the dense recipe', () => {
  const config = hypernetConfig({ decoder: 'dense', rank: 0, ck: 0, max_shape: [16, 8, 4, 4] });

  it.each([
    ['a matrix', origin('matrix'), [20, 6], { kind: 'dense_kernel', decoded: [16, 6, 1, 1] }, 96],
    [
      'a kernel',
      origin('matrix'),
      [20, 9, 7, 7],
      { kind: 'dense_kernel', decoded: [16, 8, 7, 7] },
      16 * 8 * 49,
    ],
    [
      'the classifier',
      origin('matrix', { classifier: true }),
      [12, 9],
      { kind: 'dense_class', m: 10, n: 8 },
      80,
    ],
    ['a bias', origin('bias'), [20], { kind: 'dense_vector', output: 'vector', row: 1, length: 16 }, 16],
    [
      "the classifier's bias",
      origin('bias', { classifier: true }),
      [12],
      { kind: 'dense_vector', output: 'class_bias', row: 1, length: 10 },
      10,
    ],
    ['position embeddings', origin('matrix'), [1, 10, 12], { kind: 'dense_position', c: 8, s: 3 }, 72],
  ] as [string, PredictionOrigin, number[], object, number][])(
    'of %s',
    (_, from, shape, recipe, distinct) => {
      expect(predictedRecipe(from, shape, [], config)).toMatchObject({ recipe, distinct, rank: 0 });
    },
  );
});

test('what is filled by rule repeats nothing', () => {
  const origin = { kind: 'initialization', rule: 'normal', standardDeviation: 0.02 } as const;
  expect(fillRecipe(origin, [3, 4], 12)).toEqual({
    recipe: { kind: 'fill', rule: 'normal', standardDeviation: 0.02, shape: [3, 4] },
    rank: 0,
    distinct: 12,
  });
});
