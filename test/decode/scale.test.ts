import fc from 'fast-check';
import { joinMoments, productMoments, standardDeviation } from '../../src/decode/moments';
import type { KernelRecipe, MatrixRecipe, PositionRecipe, Scale } from '../../src/plan/recipe';
import { scaleOf } from '../../src/decode/scale';
import { ScaleStore } from '../../src/decode/scale-store';

const RANK = 3;
const TOLERANCE = 1e-6;

/** `rows` rows of RANK numbers; the seed makes them, and `mean` is added to each. */
function factor(rows: number, seed: number, mean = 0): Float32Array {
  return Float32Array.from(
    { length: rows * RANK },
    (_, index) => mean + Math.sin(seed + index * 12.9898) * 2,
  );
}

/** Row p of A times row q of B. */
function dot(a: Float32Array, p: number, b: Float32Array, q: number): number {
  let sum = 0;
  for (let k = 0; k < RANK; k++) sum += (a[p * RANK + k] as number) * (b[q * RANK + k] as number);
  return sum;
}

/** The unbiased standard deviation, in two passes. */
function dense(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function tensor(rows: number, columns: number, element: (row: number, column: number) => number): number[] {
  return Array.from({ length: rows * columns }, (_, index) =>
    element(Math.floor(index / columns), index % columns),
  );
}

function expectScale(actual: number, values: readonly number[], target: number): void {
  const expected = target / (dense(values) + 1e-7);
  expect(Math.abs(actual / expected - 1)).toBeLessThan(TOLERANCE);
}

const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const seed = fc.integer({ min: 0, max: 1000 });
const common = { node: 1, slot: 0 };
const to = (first: number, second: number): Scale => ({ target: 0.02, first, second });

describe('the scale to a standard deviation is that of the whole, repeated tensor', () => {
  test('for matrices', () => {
    fc.assert(
      fc.property(size(9), size(9), size(20), size(20), seed, (m, n, rows, columns, random) => {
        fc.pre(rows * columns > 1 && m <= rows && n <= columns);
        const [a, b] = [factor(m, random), factor(n, random + 7)];
        const recipe: MatrixRecipe = { ...common, kind: 'matrix', m, n, scale: to(rows, columns) };
        const values = tensor(rows, columns, (row, column) => dot(a, row % m, b, column % n));
        fc.pre(dense(values) > 1e-3);
        expectScale(scaleOf(recipe, { a, b }, RANK), values, 0.02);
      }),
    );
  });

  test('for kernels', () => {
    fc.assert(
      fc.property(
        fc.tuple(size(4), size(4), size(3), size(3), size(9), size(9), seed),
        ([o, i, h, w, outputs, inputs, random]) => {
          fc.pre(outputs * inputs * h * w > 1 && o <= outputs && i <= inputs);
          const [a, b] = [factor(o * h, random), factor(i * w, random + 7)];
          const recipe: KernelRecipe = { ...common, kind: 'kernel', o, i, h, w, scale: to(outputs, inputs) };
          const values = tensor(outputs * h, inputs * w, (row, column) =>
            dot(
              a,
              (Math.floor(row / h) % o) * h + (row % h),
              b,
              (Math.floor(column / w) % i) * w + (column % w),
            ),
          );
          fc.pre(dense(values) > 1e-3);
          expectScale(scaleOf(recipe, { a, b }, RANK), values, 0.02);
        },
      ),
    );
  });

  test('for position embeddings of any number of tokens', () => {
    fc.assert(
      fc.property(size(4), size(4), size(40), size(9), seed, (s, c, tokens, channels, random) => {
        fc.pre(tokens * channels > 1 && c <= channels);
        const [a, b] = [factor(s, random), factor(c * s, random + 7)];
        const recipe: PositionRecipe = { ...common, kind: 'position', c, s, scale: to(tokens, channels) };
        const values = tensor(tokens, channels, (token, channel) => {
          const square = token % (s * s);
          return dot(a, Math.floor(square / s), b, (channel % c) * s + (square % s));
        });
        fc.pre(dense(values) > 1e-3);
        expectScale(scaleOf(recipe, { a, b }, RANK), values, 0.02);
      }),
    );
  });
});

test('a mean that is a million times the deviation costs no accuracy', () => {
  // B counts 1 in one of its columns, so that the mean is in A; the sum of squares alone has no digit of the deviation.
  const m = 400;
  const deviations = Array.from({ length: m }, (_, row) => Math.fround(1024 + Math.sin(row) / 1024));
  const a = Float32Array.from({ length: m * RANK }, (_, at) =>
    at % RANK === 0 ? (deviations[at / RANK] ?? 0) : 0,
  );
  const b = Float32Array.from({ length: 2 * RANK }, (_, at) => (at % RANK === 0 ? 1 : 0));
  const values = tensor(m, 2, (row) => deviations[row] ?? 0);
  const recipe: MatrixRecipe = { ...common, kind: 'matrix', m, n: 2, scale: to(m, 2) };
  expect(
    Math.abs(values.reduce((sum, value) => sum + value, 0) / values.length / dense(values)),
  ).toBeGreaterThan(1e6);
  expectScale(scaleOf(recipe, { a, b }, RANK), values, 0.02);
});

test('a constant block stays finite', () => {
  const ones = new Float32Array(4 * RANK).fill(1);
  const recipe: MatrixRecipe = { ...common, kind: 'matrix', m: 4, n: 4, scale: to(4, 4) };
  expect(scaleOf(recipe, { a: ones, b: ones }, RANK)).toBeCloseTo(0.02 / 1e-7, 3);
});

test('a scale that is a number is that number', () => {
  const recipe: MatrixRecipe = { ...common, kind: 'matrix', m: 1, n: 1, scale: 0.5 };
  expect(scaleOf(recipe, { a: factor(1, 1), b: factor(1, 2) }, RANK)).toBe(0.5);
});

test('the moments of two sets join to those of both', () => {
  const [a, b] = [factor(6, 1, 5), factor(4, 2, -3)];
  const part = (from: number, end: number): Parameters<typeof productMoments>[0] => ({
    a,
    b,
    rank: RANK,
    rows: (row) => (row >= from && row < end ? 1 : 0),
    columns: () => 1,
  });
  const joined = joinMoments(productMoments(part(0, 2)), productMoments(part(2, 6)));
  const whole = productMoments(part(0, 6));
  expect(joined.count).toBe(24);
  expect(joined.mean).toBeCloseTo(whole.mean, 10);
  expect(standardDeviation(joined) / standardDeviation(whole)).toBeCloseTo(1, 10);
});

describe('the store of scales', () => {
  it('computes each scale once while it keeps it, and keeps the last', () => {
    const store = new ScaleStore();
    let computed = 0;
    const get = (key: number): number => store.get(String(key), () => ++computed && key / 2);
    expect([get(0), get(0), computed]).toEqual([0, 0, 1]);
    for (let key = 1; key < 200; key++) get(key);
    expect([get(199), computed]).toEqual([99.5, 200]);
    expect([get(0), computed]).toEqual([0, 201]);
  });
});
