import type { Filling } from '../../src/graph/graph';
import { fillByRule } from '../../src/decode/decode-by-rule';
import { normal, streamKey, uniform } from '../../src/decode/random';

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
