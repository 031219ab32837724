/** Orthogonal matrices whose elements are drawn one by one. */

import fc from 'fast-check';
import { orthogonal } from '../../src/random/orthogonal';
import { streamKey } from '../../src/random/random';
import type { MatrixBlock, OrthogonalFilling } from '../../src/graph/filling';

const size = fc.integer({ min: 1, max: 12 });

/** All of a block's parameter. */
function drawn(block: MatrixBlock, gain = 1, seed = 0): number[] {
  const filling: OrthogonalFilling = { rule: 'orthogonal', gain, block };
  const draw = orthogonal(filling, streamKey(seed, 'weight'));
  const elements = block.shape.reduce((product, entries) => product * entries, 1);
  return Array.from({ length: elements }, (_, element) => draw(element));
}

function plain(rows: number, columns: number): MatrixBlock {
  const shape = [rows, columns];
  return { shape, axis: 0, start: 0, length: rows, period: rows, rows: [0], columns: [1] };
}

/** How far the shorter side of a matrix is from orthonormal. */
function fault(matrix: (row: number, column: number) => number, rows: number, columns: number): number {
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  const at = (one: number, other: number): number =>
    rows <= columns ? matrix(one, other) : matrix(other, one);
  let worst = 0;
  for (let one = 0; one < short; one++) {
    for (let other = 0; other < short; other++) {
      let sum = 0;
      for (let entry = 0; entry < long; entry++) sum += at(one, entry) * at(other, entry);
      worst = Math.max(worst, Math.abs(sum - (one === other ? 1 : 0)));
    }
  }
  return worst;
}

describe('an orthogonal block', () => {
  it('has orthonormal rows or columns at any size', () => {
    fc.assert(
      fc.property(size, size, fc.nat(1000), (rows, columns, seed) => {
        const values = drawn(plain(rows, columns), 1, seed);
        const matrix = (row: number, column: number): number => values[row * columns + column] as number;
        expect(fault(matrix, rows, columns)).toBeLessThan(1e-12);
      }),
    );
  });

  it('has its gain as every singular value', () => {
    const values = drawn(plain(6, 9), 3);
    const matrix = (row: number, column: number): number => (values[row * 9 + column] as number) / 3;
    expect(fault(matrix, 6, 9)).toBeLessThan(1e-12);
  });

  it('is orthonormal where blocks are joined, where it is stored as [in, out], and as a kernel', () => {
    const joined = { shape: [5, 12], axis: 1, start: 4, length: 4, period: 12, rows: [0], columns: [1] };
    const first = drawn(joined);
    expect(fault((row, column) => first[row * 12 + 4 + column] as number, 5, 4)).toBeLessThan(1e-12);
    const stored = { shape: [7, 3], axis: 0, start: 0, length: 7, period: 7, rows: [1], columns: [0] };
    const second = drawn(stored);
    expect(fault((row, column) => second[column * 3 + row] as number, 3, 7)).toBeLessThan(1e-12);
    const kernel = {
      shape: [4, 3, 2, 2],
      axis: 0,
      start: 0,
      length: 4,
      period: 4,
      rows: [0],
      columns: [1, 2, 3],
    };
    const third = drawn(kernel);
    expect(fault((row, column) => third[row * 12 + column] as number, 4, 12)).toBeLessThan(1e-12);
  });

  it('is another one, orthonormal as well, for each repetition', () => {
    const experts = { shape: [12, 5], axis: 0, start: 0, length: 4, period: 4, rows: [0], columns: [1] };
    const values = drawn(experts);
    const blocks = [0, 1, 2].map((expert) => values.slice(expert * 20, expert * 20 + 20));
    for (const block of blocks)
      expect(fault((row, column) => block[row * 5 + column] as number, 4, 5)).toBeLessThan(1e-12);
    expect(new Set(blocks.map(String)).size).toBe(3);
  });

  it('differs by seed and by block', () => {
    expect(drawn(plain(8, 8), 1, 1)).not.toEqual(drawn(plain(8, 8), 1, 2));
    const block = (start: number): MatrixBlock => ({ ...plain(16, 8), start, length: 8, period: 16 });
    expect(drawn(block(0)).slice(0, 64)).not.toEqual(drawn(block(8)).slice(64));
  });
});
