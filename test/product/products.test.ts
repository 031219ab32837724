import fc from 'fast-check';
import { staging } from '../../src/checksum/staging';
import { ElementWriter } from '../../src/narrowing/convert';
import { AffineLayer } from '../../src/product/affine-layer';
import type { Columns, Rows } from '../../src/product/multiplier';
import { fitsStrip, makeStrips, multiplyInto } from '../../src/product/strips';

const { fround } = Math;

/** Between -1 and 1, the same for the same seed. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** By the definition: products in order, each product and each sum rounded to float32. */
function inOrder(
  a: Float32Array,
  row: number,
  b: Float32Array,
  column: number,
  rank: number,
  start = 0,
): number {
  let sum = start;
  for (let k = 0; k < rank; k++) {
    const product = fround((a[row * rank + k] as number) * (b[column * rank + k] as number));
    sum = fround(sum + product);
  }
  return sum;
}

const sizes = fc.record({
  rank: fc.integer({ min: 1, max: 64 }),
  rows: fc.integer({ min: 1, max: 21 }),
  columns: fc.integer({ min: 1, max: 41 }),
  scale: fc.constantFrom(1, 0.37, -2.5),
  seed: fc.nat(1000),
});

interface Sizes {
  readonly rank: number;
  readonly rows: number;
  readonly columns: number;
  readonly scale: number;
  readonly seed: number;
}

/** Factors, the rows of A repeated from its third on. */
function factors({ rank, rows, columns, scale, seed }: Sizes): { left: Rows; right: Columns } {
  const at = (row: number): number => row % 3;
  const left = { values: numbers(Math.max(3, rows) * rank, seed), at, scale };
  return { left, right: { values: numbers(columns * rank, seed + 7), scale: 1 } };
}

function product(drawn: Sizes): Float32Array {
  const { left, right } = factors(drawn);
  const made = new Float32Array(drawn.rows * drawn.columns);
  multiplyInto(made, left, drawn.rows, right, drawn.rank);
  return made;
}

describe('a product', () => {
  it('is the sum of the scaled rows times columns, in order, each step rounded', () => {
    fc.assert(
      fc.property(sizes, (drawn) => {
        const { left, right } = factors(drawn);
        const made = product(drawn);
        const scaled = left.values.map((value) => fround(value * drawn.scale));
        made.forEach((element, index) => {
          const [row, column] = [Math.floor(index / drawn.columns), index % drawn.columns];
          expect(element).toBe(inOrder(scaled, left.at(row), right.values, column, drawn.rank));
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has the same bits by strips, in whatever type they are written', () => {
    fc.assert(
      fc.property(sizes, (drawn) => {
        const { left, right } = factors(drawn);
        const whole = product(drawn);
        for (const type of ['f32', 'f16', 'bf16'] as const) {
          const [expected, made] = [new Uint8Array(whole.length * 4), new Uint8Array(whole.length * 4)];
          const [writer, strips] = [new ElementWriter(expected, type), new ElementWriter(made, type)];
          writer.write(whole);
          makeStrips(left, drawn.rows, right, drawn.rank, strips.place, (count) => {
            strips.made(count);
          });
          expect(made).toEqual(expected);
          expect(strips.crc32).toBe(writer.crc32);
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['more rows than a strip', 1500, 7],
    ['more columns than a strip', 5, 20_001],
    ['as many columns as fit a strip', 9, 16_384],
  ])('has the same bits with %s', (_, rows, columns) => {
    const rank = 3;
    const drawn = { rank, rows, columns, scale: 1, seed: 5 };
    const { left, right } = factors(drawn);
    const made = product(drawn);
    for (const index of [0, 1, columns - 1, made.length - columns, made.length - 1, made.length >> 1]) {
      const [row, column] = [Math.floor(index / columns), index % columns];
      expect(made[index]).toBe(inOrder(left.values, left.at(row), right.values, column, rank));
    }
  });

  it('is that of the columns that it is asked for, not of those before', () => {
    const drawn = { rank: 8, rows: 4, columns: 8, scale: 1, seed: 1 };
    const first = product(drawn);
    expect(product({ ...drawn, seed: 2 })).not.toEqual(first);
    expect(product(drawn)).toEqual(first);
  });

  it('leaves what is summed at the same time its own room', () => {
    expect(fitsStrip(16_384)).toBe(true);
    expect(fitsStrip(16_385)).toBe(false);
    expect(staging.length).toBe(80 * 65_536);
  });
});

describe('a layer', () => {
  it('is the bias and the products in order, whatever rows and columns are asked for', () => {
    const asked = fc.record({
      rank: fc.integer({ min: 1, max: 40 }),
      size: fc.integer({ min: 1, max: 60 }),
      rows: fc.integer({ min: 1, max: 19 }),
      first: fc.nat(59),
      columns: fc.integer({ min: 1, max: 60 }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(asked, ({ rank, size, rows, first: drawn, columns: most, seed }) => {
        const first = drawn % size;
        const columns = Math.min(most, size - first);
        const [weight, bias, x] = [
          numbers(size * rank, seed),
          numbers(size, seed + 1),
          numbers(rows * rank, seed + 2),
        ];
        const made = new AffineLayer(weight, bias, rank).apply(x, first, columns);
        expect(made).toHaveLength(rows * columns);
        made.forEach((element, index) => {
          const [row, column] = [Math.floor(index / columns), first + (index % columns)];
          expect(element).toBe(inOrder(x, row, weight, column, rank, bias[column]));
        });
      }),
      { numRuns: 60 },
    );
  });
});
