import fc from 'fast-check';
import { momentsOf, type Extent } from '../../src/decode/block-moments';
import type { ScaledRecipe } from '../../src/plan/recipe';
import { decodedEntry, type Cycle } from '../../src/plan/cycle';
import { standardDeviation } from '../../src/decode/moments';

const RANK = 2;

function factor(rows: number, seed: number): Float32Array {
  return Float32Array.from({ length: rows * RANK }, (_, index) => Math.sin(seed + index * 12.9898) + 0.5);
}

function dot(a: Float32Array, p: number, b: Float32Array, q: number): number {
  let sum = 0;
  for (let k = 0; k < RANK; k++) sum += (a[p * RANK + k] ?? NaN) * (b[q * RANK + k] ?? NaN);
  return sum;
}

function expectSame(
  recipe: ScaledRecipe,
  extent: Extent,
  [m, n]: readonly [number, number],
  seed: number,
): void {
  const factors = { a: factor(m, seed), b: factor(n, seed + 7) };
  const values = [];
  for (let row = 0; row < extent.first; row++) {
    for (let column = 0; column < extent.second; column++)
      values.push(...elements(recipe, factors, row, column));
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const moments = momentsOf(recipe, extent, factors, RANK, recipe.cycles);
  expect(moments.count).toBe(values.length);
  expect(moments.mean).toBeCloseTo(mean, 6);
  const difference = standardDeviation(moments) - Math.sqrt(squares / (values.length - 1));
  expect(Math.abs(difference)).toBeLessThan(1e-6);
}

/** All elements of an entry of the first dimension and one of the second. */
function elements(
  recipe: ScaledRecipe,
  { a, b }: { a: Float32Array; b: Float32Array },
  row: number,
  column: number,
): number[] {
  const { rows, columns } = recipe.cycles ?? {};
  switch (recipe.kind) {
    case 'matrix':
      return [dot(a, decodedEntry(row, recipe.m, rows), b, decodedEntry(column, recipe.n, columns))];
    case 'position': {
      const { s, c } = recipe;
      const square = row % (s * s);
      return [dot(a, Math.floor(square / s), b, decodedEntry(column, c, columns) * s + (square % s))];
    }
    case 'kernel': {
      const { o, i, h, w } = recipe;
      const [p, q] = [decodedEntry(row, o, rows) * h, decodedEntry(column, i, columns) * w];
      return Array.from({ length: h * w }, (_, at) => dot(a, p + Math.floor(at / w), b, q + (at % w)));
    }
  }
}

const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const cycle: fc.Arbitrary<Cycle | undefined> = fc.option(fc.record({ start: fc.nat(12), period: size(9) }), {
  nil: undefined,
});
const common = { node: 1, slot: 0, scale: 1 };
const sizes = fc.tuple(size(5), size(5), size(20), size(20), fc.nat(1000));

describe('the moments of a block are those of all of its elements, in whatever cycles they repeat', () => {
  test('for matrices', () => {
    fc.assert(
      fc.property(sizes, cycle, cycle, ([m, n, first, second, seed], rows, columns) => {
        fc.pre(first * second > 1);
        expectSame(
          { ...common, kind: 'matrix', m, n, cycles: { rows, columns } },
          { first, second },
          [m, n],
          seed,
        );
      }),
    );
  });

  test('for kernels', () => {
    fc.assert(
      fc.property(
        sizes,
        size(3),
        size(3),
        cycle,
        cycle,
        ([o, i, first, second, seed], h, w, rows, columns) => {
          fc.pre(first * second * h * w > 1);
          const recipe = { ...common, kind: 'kernel' as const, o, i, h, w, cycles: { rows, columns } };
          expectSame(recipe, { first, second }, [o * h, i * w], seed);
        },
      ),
    );
  });

  test('for position embeddings, whose tokens only repeat from the beginning', () => {
    fc.assert(
      fc.property(sizes, cycle, ([s, c, first, second, seed], columns) => {
        fc.pre(first * second > 1);
        const recipe = { ...common, kind: 'position' as const, c, s, cycles: { columns } };
        expectSame(recipe, { first, second }, [s, c * s], seed);
      }),
    );
  });
});
