import fc from 'fast-check';
import type { Filling } from '../../src/graph/filling';
import { drawOf } from '../../src/random/draws';
import { streamKey } from '../../src/random/random';
import { momentsOfRule, type RuleMoments } from '../../src/random/rule-moments';

const SHAPE = [200, 100];
const ELEMENTS = 20_000;

/** Of the elements that a rule draws. */
function drawnMoments(filling: Filling, seed: number): RuleMoments {
  const draw = drawOf({ ...filling, shape: SHAPE }, streamKey(seed, 'weight'));
  const values = Array.from({ length: ELEMENTS }, (_, index) => draw(index));
  const mean = values.reduce((sum, value) => sum + value, 0) / ELEMENTS;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (ELEMENTS - 1)) };
}

const RULES: readonly (readonly [string, Filling])[] = [
  ['a normal', { rule: 'normal', standardDeviation: 0.02 }],
  ['a shifted normal', { rule: 'shifted_normal', mean: 3, standardDeviation: 0.5 }],
  ['a narrow truncated normal', { rule: 'truncated_normal', standardDeviation: 0.02 }],
  ['a truncated normal', { rule: 'truncated_normal', standardDeviation: 0.9 }],
  ['a wide truncated normal', { rule: 'truncated_normal', standardDeviation: 3 }],
  ['one that is nearly flat', { rule: 'truncated_normal', standardDeviation: 1e6 }],
  [
    'a normal between bounds',
    { rule: 'bounded_normal', mean: 0.1, standardDeviation: 0.5, lower: -1, upper: 1.2 },
  ],
  ['its upper tail', { rule: 'bounded_normal', mean: 0, standardDeviation: 1, lower: 3, upper: 40 }],
  ['its lower tail', { rule: 'bounded_normal', mean: 0, standardDeviation: 1, lower: -9, upper: -2 }],
  ['a sliver of it', { rule: 'bounded_normal', mean: 0, standardDeviation: 1, lower: 0.5, upper: 0.75 }],
  ['uniform draws', { rule: 'uniform', bound: 0.3 }],
  ['uniform draws between numbers', { rule: 'uniform_between', lower: 1, upper: 16 }],
  ['their logarithms', { rule: 'uniform_between', lower: 1, upper: 16, function: 'log' }],
  ['log-uniform draws', { rule: 'log_uniform', lower: 0.001, upper: 0.1, least: 0.0015 }],
  [
    'log-uniform draws through a function',
    { rule: 'log_uniform', lower: 0.001, upper: 0.1, least: 0, function: 'inverse_softplus' },
  ],
  [
    'orthogonal rows',
    {
      rule: 'orthogonal',
      gain: 1.5,
      block: { shape: SHAPE, axis: 0, start: 0, length: 200, period: 200, rows: [0], columns: [1] },
    },
  ],
];

it.each(RULES)('mean and deviation of %s are those of what is drawn', (_, filling) => {
  const [drawn, { mean, deviation }] = [drawnMoments(filling, 7), momentsOfRule(filling)];
  // Five standard errors; of the deviation seven of a normal, and more of what has shorter tails.
  expect(Math.abs(drawn.mean - mean)).toBeLessThan((5 * deviation) / Math.sqrt(ELEMENTS));
  expect(Math.abs(drawn.deviation / deviation - 1)).toBeLessThan(0.035);
});

it('of a normal that is cut far out it is the very number', () => {
  expect(momentsOfRule({ rule: 'truncated_normal', standardDeviation: 0.02 })).toEqual({
    mean: 0,
    deviation: 0.02,
  });
  // Half of one that is cut at its mean.
  const half = { rule: 'bounded_normal', mean: 0, standardDeviation: 1, lower: 0, upper: 50 } as const;
  expect(momentsOfRule(half).mean).toBeCloseTo(Math.sqrt(2 / Math.PI), 9);
  expect(momentsOfRule(half).deviation).toBeCloseTo(Math.sqrt(1 - 2 / Math.PI), 9);
});

it('of one between any bounds it is no more than its own, and than that of a uniform one', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.double({ min: 1e-3, max: 20, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (lower, width, standardDeviation) => {
        const filling = {
          rule: 'bounded_normal',
          mean: 0,
          standardDeviation,
          lower,
          upper: lower + width,
        } as const;
        const { mean, deviation } = momentsOfRule(filling);
        expect(mean).toBeGreaterThanOrEqual(lower - 1e-9 * Math.abs(lower));
        expect(mean).toBeLessThanOrEqual(lower + width + 1e-9 * Math.abs(lower + width));
        expect(deviation).toBeGreaterThan(0);
        expect(deviation).toBeLessThanOrEqual(
          Math.min(standardDeviation, width / Math.sqrt(12)) * (1 + 1e-6),
        );
      },
    ),
  );
});

it.each<[Filling, number]>([
  [{ rule: 'zeros', standardDeviation: 0 }, 0],
  [{ rule: 'ones', standardDeviation: 0 }, 1],
  [{ rule: 'constant', value: 3 }, 3],
  [{ rule: 'identity' }, 0],
  [{ rule: 'sequence', start: 1, step: 1 }, 0],
  [{ rule: 'bounded_normal', mean: 0.5, standardDeviation: 0, lower: 0, upper: 1 }, 0.5],
])('%j has the mean %d, and no deviation', (filling, mean) => {
  expect(momentsOfRule(filling)).toEqual({ mean, deviation: 0 });
});
