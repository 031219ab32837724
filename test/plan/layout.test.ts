import fc from 'fast-check';
import { elementCount, type Block, type Parameter } from '../../src/graph/graph';
import { canJoin, joinDimensions, matrixView, parameterView, placements } from '../../src/plan/layout';
import { TILE_ELEMENTS } from '../../src/plan/tile';

const fill = (length: number): Block => ({
  length,
  origin: { kind: 'initialization', rule: 'zeros', standardDeviation: 0 },
});

/** Parameters whose blocks are joined along any dimension that is allowed. */
const parameters: fc.Arbitrary<Parameter> = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
  .chain((shape) => {
    const axes = joinDimensions(shape);
    return fc.record({ axis: fc.constantFrom(...axes), shape: fc.constant(shape) });
  })
  .chain(({ axis, shape }) =>
    fc
      .tuple(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
      )
      .map(([lengths, repetitions]) => {
        const entries = repetitions * lengths.reduce((sum, length) => sum + length, 0);
        return {
          name: 'p',
          axis,
          shape: shape.map((size, d) => (d === axis ? entries : size)),
          blocks: lengths.map(fill),
          tiedTo: undefined,
          repetitions,
        };
      }),
  )
  // A longer dimension may change which ones are rows.
  .filter(({ axis, shape }) => joinDimensions(shape).includes(axis));

/** By definition: which block each element of the tensor, in row-major order, belongs to. */
function ownersByIndex({ shape, axis, blocks, repetitions = 1 }: Parameter): number[] {
  const inner = elementCount(shape.slice(axis + 1));
  const owners = Array.from({ length: repetitions }, () => blocks)
    .flat()
    .flatMap(({ length }, block) => Array.from({ length }, () => block));
  return Array.from({ length: elementCount(shape) }, (_, index) => {
    const along = Math.floor(index / inner) % (shape[axis] ?? 1);
    return owners[along] ?? -1;
  });
}

describe('the matrix view', () => {
  it.each([
    { shape: [7], rows: 7, columns: 1 },
    { shape: [5, 3], rows: 5, columns: 3 },
    { shape: [1, 17, 8], rows: 17, columns: 8 },
    { shape: [2, 17, 8], rows: 2, columns: 136 },
    { shape: [1, 1, 8], rows: 1, columns: 8 },
    { shape: [4, 3, 2, 5], rows: 4, columns: 30 },
    { shape: [1, 3, 2, 5], rows: 1, columns: 30 },
    { shape: [4, 3, 2, 5, 2], rows: 4, columns: 60 },
    { shape: [], rows: 1, columns: 1 },
    { shape: [0, 3], rows: 0, columns: 3 },
    { shape: [3, 0], rows: 3, columns: 0 },
  ])('of $shape is $rows rows of $columns', ({ shape, rows, columns }) => {
    expect(matrixView(shape)).toEqual({ rows, columns });
  });

  it('holds every element once, each in the place of its block', () => {
    fc.assert(
      fc.property(parameters, (parameter) => {
        const { rows, columns } = matrixView(parameter.shape);
        const owners = new Array<number>(rows * columns).fill(-1);
        placements(parameter).forEach(([place], block) => {
          if (place === undefined) throw new Error('a block without a place');
          for (let row = place.row; row < place.row + place.rows; row++) {
            for (let column = place.column; column < place.column + place.columns; column++) {
              const free = row < rows && column < columns && owners[row * columns + column] === -1;
              owners[row * columns + column] = free ? block : -2;
            }
          }
        });
        expect(owners).toEqual(ownersByIndex(parameter));
      }),
    );
  });
});

describe('a parameter that is filled by rule alone', () => {
  const ruled = (shape: readonly number[], axis: number, lengths: readonly number[]): Parameter => ({
    name: 'p',
    shape,
    axis,
    blocks: lengths.map(fill),
    tiedTo: undefined,
  });

  it.each([
    { shape: [8, 2 * 4096, 1024], rows: 8 * 2 * 4096, columns: 1024 },
    { shape: [2, TILE_ELEMENTS + 1], rows: 2 * (TILE_ELEMENTS + 1), columns: 1 },
    { shape: [2, TILE_ELEMENTS], rows: 2, columns: TILE_ELEMENTS },
  ])('has no rows longer than a tile: $shape is $rows rows of $columns', ({ shape, rows, columns }) => {
    expect(parameterView(ruled(shape, 0, [shape[0] ?? 1]))).toEqual({ rows, columns });
  });

  it('may have its blocks joined along any dimension where rows are shortened', () => {
    const [outer, middle, inner] = [3, 5, 3 * 2 ** 18];
    const parameter = ruled([outer, middle, inner], 1, [2, 3]);
    expect(canJoin(parameter)).toBe(true);
    const { columns } = parameterView(parameter);
    const spans = placements(parameter).map((places) =>
      places.map(({ row, rows, column }) => [row * columns + column, (row + rows) * columns]),
    );
    const span = (index: number, from: number, to: number): number[] => [
      (index * middle + from) * inner,
      (index * middle + to) * inner,
    ];
    expect(spans).toEqual([
      [span(0, 0, 2), span(1, 0, 2), span(2, 0, 2)],
      [span(0, 2, 5), span(1, 2, 5), span(2, 2, 5)],
    ]);
  });
});
