import fc from 'fast-check';
import { elementCount, type Block, type Parameter } from '../../src/graph/graph';
import { joinDimensions, matrixView, placements } from '../../src/plan/layout';

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
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }).map((lengths) => ({
      name: 'p',
      axis,
      shape: shape.map((size, d) => (d === axis ? lengths.reduce((sum, length) => sum + length, 0) : size)),
      blocks: lengths.map(fill),
      tiedTo: undefined,
    })),
  )
  // A longer dimension may change which ones are rows.
  .filter(({ axis, shape }) => joinDimensions(shape).includes(axis));

/** By definition: which block each element of the tensor, in row-major order, belongs to. */
function ownersByIndex({ shape, axis, blocks }: Parameter): number[] {
  const inner = elementCount(shape.slice(axis + 1));
  const owners = blocks.flatMap(({ length }, block) => Array.from({ length }, () => block));
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
  ])('of $shape is $rows rows of $columns', ({ shape, rows, columns }) => {
    expect(matrixView(shape)).toEqual({ rows, columns });
  });

  it('holds every element once, each in the place of its block', () => {
    fc.assert(
      fc.property(parameters, (parameter) => {
        const { rows, columns } = matrixView(parameter.shape);
        const owners = new Array<number>(rows * columns).fill(-1);
        placements(parameter).forEach((place, block) => {
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
