import type { Filling } from '../../src/graph/graph';
import { fillByRule } from '../../src/decode/decode-by-rule';
import { normal, streamKey, uniform } from '../../src/random/random';

const stream = streamKey(3, 'weight');

/** Rows 1 and 2, columns 1 to 3 of a tile of 4 columns that begins at element 40 of its tensor. */
function filled(filling: Filling): number[] {
  const tile = new Float32Array(12).fill(NaN);
  const recipe = { kind: 'fill', shape: [16, 4], ...filling } as const;
  const place = { row: 1, rows: 2, column: 1, columns: 3, pieceRow: 1, pieceRows: 3, element: 45 };
  fillByRule(recipe, { ...place, recipe, embedding: new Float32Array() }, stream, tile, 4);
  expect([...tile].map(Number.isNaN)).toEqual(
    [0, 1, 2].flatMap((row) => [0, 1, 2, 3].map((column) => row === 0 || column === 0)),
  );
  return [...tile].filter((value) => !Number.isNaN(value));
}

const ELEMENTS = [45, 46, 47, 49, 50, 51];

test.each<[Filling, (element: number) => number]>([
  [{ rule: 'zeros', standardDeviation: 0 }, () => 0],
  [{ rule: 'ones', standardDeviation: 0 }, () => 1],
  [{ rule: 'constant', value: -2.5 }, () => -2.5],
  [{ rule: 'uniform', bound: 0.25 }, (element) => uniform(stream, element, 0.25)],
  [{ rule: 'normal', standardDeviation: 0.5 }, (element) => normal(stream, element, 0.5)],
])('%j fills a part of a tile by the index of each element in its tensor', (filling, expected) => {
  expect(filled(filling)).toEqual(ELEMENTS.map((element) => Math.fround(expected(element))));
});

test('in a widened network an element is that of the base whose copy it is, in every dimension', () => {
  // Blocks of 2 and 3 entries along the middle dimension, each twice.
  const [shape, base] = [
    [3, 10, 8],
    [3, 5, 4],
  ];
  const recipe = { kind: 'fill', rule: 'normal', standardDeviation: 1, shape: base } as const;
  const at = ([i = 0, j = 0, k = 0]: number[], [, middle = 1, inner = 1]: number[]): number =>
    (i * middle + j) * inner + k;
  const tile = new Float32Array(3 * 10 * 8);
  const blocks = [
    { start: 0, length: 4, baseStart: 0, baseLength: 2 },
    { start: 4, length: 6, baseStart: 2, baseLength: 3 },
  ];
  for (const { start, length, baseStart, baseLength } of blocks) {
    const repeated = { shape, base, axis: 1, start, baseStart, baseLength };
    const columns = length * 8;
    const place = {
      row: 0,
      rows: 3,
      column: start * 8,
      columns,
      pieceRow: 0,
      pieceRows: 3,
      element: start * 8,
    };
    const own = { ...recipe, repeated, factor: 0.5 };
    fillByRule(own, { ...place, recipe: own, embedding: new Float32Array() }, stream, tile, 80);
    for (let i = 0; i < 3; i++) {
      for (let j = start; j < start + length; j++) {
        for (let k = 0; k < 8; k++) {
          const source = [i, baseStart + ((j - start) % baseLength), k % 4];
          expect(tile[at([i, j, k], shape)]).toBe(Math.fround(normal(stream, at(source, base), 1) * 0.5));
        }
      }
    }
  }
});
