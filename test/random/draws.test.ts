import fc from 'fast-check';
import { drawOf } from '../../src/random/draws';
import { boundedNormal, streamKey } from '../../src/random/random';
import type { Filling } from '../../src/graph/filling';

const stream = streamKey(3, 'weight');
const COUNT = 20_000;

/** What a rule gives the elements of a parameter. */
function filled(filling: Filling, shape: readonly number[], seed = 3): number[] {
  const draw = drawOf({ shape, ...filling }, streamKey(seed, 'weight'));
  const elements = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: elements }, (_, element) => draw(element));
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

/** Mean and deviation of the standard normal between two bounds, by Simpson's rule. */
function expectedMoments(lower: number, upper: number): { mean: number; deviation: number } {
  // Beyond 12 deviations from the nearest point there is nothing.
  const from = Math.max(lower, -12);
  const to = Math.min(upper, from > 0 ? from + 12 : 12);
  const steps = 20_000;
  const peak = Math.min(Math.max(0, from), to);
  const sums = [0, 0, 0];
  for (let step = 0; step <= steps; step++) {
    const x = from + ((to - from) * step) / steps;
    const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2;
    const density = weight * Math.exp((peak * peak - x * x) / 2);
    for (const power of [0, 1, 2]) sums[power] = (sums[power] ?? 0) + density * (x - peak) ** power;
  }
  const [total = 1, first = 0, second = 0] = sums;
  const mean = first / total;
  return { mean: peak + mean, deviation: Math.sqrt(second / total - mean * mean) };
}

describe('a bounded normal', () => {
  it.each([
    [-2, 2],
    [-0.5, 0.25],
    [0, 0.1],
    [-1, 8],
    [1, 1.5],
    [2, 50],
    [6, 7],
    [30, 31],
    [-40, -5],
    [-3, -2.9],
  ])('between %d and %d deviations has the moments of that distribution', (lower, upper) => {
    const values = Array.from({ length: COUNT }, (_, index) => boundedNormal(stream, index, lower, upper));
    expect(values.every((value) => value >= lower && value <= upper)).toBe(true);
    const { mean, deviation } = moments(values);
    const expected = expectedMoments(lower, upper);
    // Five standard errors.
    expect(Math.abs(mean - expected.mean)).toBeLessThan((5 * expected.deviation) / Math.sqrt(COUNT));
    expect(Math.abs(deviation / expected.deviation - 1)).toBeLessThan(0.05);
  });

  it('ends within a few attempts wherever its bounds lie, and lies between them', () => {
    const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const width = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(bound, width, fc.nat(), (lower, size, index) => {
        const value = boundedNormal(stream, index, lower, lower + size);
        return value >= lower && value <= lower + size;
      }),
    );
  });

  it('without a deviation is its mean', () => {
    const filling = { rule: 'bounded_normal', mean: 0.5, standardDeviation: 0, lower: 0, upper: 1 } as const;
    expect(filled(filling, [3])).toEqual([0.5, 0.5, 0.5]);
  });
});

describe('draws', () => {
  const shape = [COUNT / 10, 10];

  it('of a shifted normal have its mean and deviation', () => {
    const { mean, deviation } = moments(
      filled({ rule: 'shifted_normal', mean: 1, standardDeviation: 0.02 }, shape),
    );
    expect(Math.abs(mean - 1)).toBeLessThan((5 * 0.02) / Math.sqrt(COUNT));
    expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(0.05);
  });

  it('between bounds are uniform, and take a function', () => {
    const values = filled({ rule: 'uniform_between', lower: 0, upper: 16 }, shape);
    expect(Math.abs(moments(values).mean - 8)).toBeLessThan((5 * 16) / Math.sqrt(12 * COUNT));
    const logs = filled({ rule: 'uniform_between', lower: 0, upper: 16, function: 'log' }, shape);
    expect(logs).toEqual(values.map(Math.log));
  });

  it('of a log-uniform rule have a uniform logarithm, not below the least; a softplus undoes its inverse', () => {
    const rule = { rule: 'log_uniform', lower: 0.001, upper: 0.1, least: 0.002 } as const;
    const values = filled(rule, shape);
    expect(Math.min(...values)).toBe(0.002);
    expect(Math.max(...values)).toBeLessThan(0.1);
    const raised = values.filter((value) => value === 0.002).length / COUNT;
    expect(Math.abs(raised - Math.log(2) / Math.log(100))).toBeLessThan(5 / (2 * Math.sqrt(COUNT)));
    const biases = filled({ ...rule, function: 'inverse_softplus' }, shape);
    biases.forEach((bias, index) => {
      expect(Math.log1p(Math.exp(bias))).toBeCloseTo(values[index] ?? NaN, 12);
    });
  });

  it('depend on the seed where they are random, and on nothing of it where they are not', () => {
    const isEqual = (filling: Filling): boolean =>
      JSON.stringify(filled(filling, [4, 4])) === JSON.stringify(filled(filling, [4, 4], 4));
    expect(isEqual({ rule: 'uniform_between', lower: 0, upper: 1 })).toBe(false);
    expect(isEqual({ rule: 'sequence', start: 1, step: 2 })).toBe(true);
  });
});

describe('a table', () => {
  it('of a sequence counts columns, in every row', () => {
    expect(filled({ rule: 'sequence', start: 1, step: 2 }, [2, 3])).toEqual([1, 3, 5, 1, 3, 5]);
    expect(filled({ rule: 'sequence', start: 1, step: 1, function: 'log' }, [3])).toEqual([
      0,
      Math.log(2),
      Math.log(3),
    ]);
  });

  it.each([
    [
      [2, 3],
      [1, 0, 0, 0, 1, 0],
    ],
    [
      [3, 2],
      [1, 0, 0, 1, 0, 0],
    ],
    [
      [2, 2, 3],
      [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
    ],
    [
      [1, 1, 3, 2],
      [0, 0, 0, 1, 0, 0],
    ],
  ])('of the identity of shape %j is that of PyTorch', (shape, expected) => {
    expect(filled({ rule: 'identity' }, shape)).toEqual(expected);
  });

  it("of Whisper's positions has sines in its first half and cosines in its second", () => {
    const [rows, columns] = [4, 6];
    const filling = { rule: 'sinusoids', start: 0, base: 10000, divisor: 2, interleaved: false } as const;
    const increments = [0, 1, 2].map((index) => Math.exp((-Math.log(10000) / 2) * index));
    const expected = Array.from({ length: rows }, (_, row) => [
      ...increments.map((each) => Math.sin(row * each)),
      ...increments.map((each) => Math.cos(row * each)),
    ]).flat();
    filled(filling, [rows, columns]).forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] ?? NaN, 12);
    });
  });

  it('of interleaved sinusoids has sines in even columns, whatever their number', () => {
    const filling = { rule: 'sinusoids', start: 3, base: 100, divisor: 2, interleaved: true } as const;
    const [a, b] = [3, 3 / 10];
    const expected = [Math.sin(a), Math.cos(a), Math.sin(b)];
    filled(filling, [1, 3]).forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] ?? NaN, 12);
    });
  });
});

test('what is divided is divided whatever the rule', () => {
  const recipe = { kind: 'fill', shape: [4], rule: 'normal', standardDeviation: 1 } as const;
  const [whole, part] = [drawOf(recipe, stream), drawOf({ ...recipe, factor: 0.25 }, stream)];
  expect([0, 1, 2, 3].map(part)).toEqual([0, 1, 2, 3].map((element) => whole(element) * 0.25));
});
