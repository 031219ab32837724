import fc from 'fast-check';
import type { LogahError } from '../../src/errors';
import type { Parameter } from '../../src/graph/graph';
import { matrixView } from '../../src/plan/layout';
import { placementOf, Slicing, type Box, type NamedSlice } from '../../src/plan/slicing';

const parameter = (shape: readonly number[], name = 'w'): Parameter => ({
  name,
  shape,
  axis: 0,
  blocks: [],
  tiedTo: undefined,
});

const shapes = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 40 })),
  fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })),
  fc.tuple(fc.constant(1), fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 })),
  fc.tuple(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 3 }),
  ),
);

/** A shape and a slice of its leading dimensions. */
const slices = shapes.chain((shape) =>
  fc
    .integer({ min: 1, max: Math.min(2, shape.length) })
    .chain((dimensions) =>
      fc.tuple(
        ...shape
          .slice(0, dimensions)
          .map((size) =>
            fc
              .tuple(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 1, max: size }))
              .map(([start, length]): [number, number] => [start, Math.min(size, start + length)]),
          ),
      ),
    )
    .map((bounds) => ({
      shape,
      slice: { name: 'w', start: bounds.map(([start]) => start), end: bounds.map(([, end]) => end) },
    })),
);

/** The row-major indices of a box's elements. */
function indicesOf(box: Box, shape: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (prefixes, size, dimension) =>
      prefixes.flatMap((prefix) =>
        Array.from(
          { length: box.shape[dimension] ?? 0 },
          (_, at) => prefix * size + (box.start[dimension] ?? 0) + at,
        ),
      ),
    [0],
  );
}

function indicesOfPlacement(box: Box, shape: readonly number[]): number[] {
  const { columns } = matrixView(shape);
  const place = placementOf(box, shape);
  return Array.from({ length: place.rows }, (_, row) =>
    Array.from(
      { length: place.columns },
      (__, column) => (place.row + row) * columns + place.column + column,
    ),
  ).flat();
}

const failure = (work: () => unknown): LogahError => {
  try {
    work();
  } catch (error) {
    return error as LogahError;
  }
  throw new Error('nothing was thrown');
};

describe('slices', () => {
  it('hold the same elements in the matrix view as in the tensor', () => {
    fc.assert(
      fc.property(slices, ({ shape, slice }) => {
        const box = Slicing.of([slice], undefined).boxOf(parameter(shape));
        expect(box).toBeDefined();
        if (box) expect(indicesOfPlacement(box, shape)).toEqual(indicesOf(box, shape));
      }),
    );
  });

  it('leave tensors that they do not name whole', () => {
    const slicing = Slicing.of([{ name: 'other', start: [0], end: [1] }], undefined);
    expect(slicing.boxOf(parameter([3, 4]))).toEqual({ start: [0, 0], shape: [3, 4] });
  });

  it.each<[string, NamedSlice, RegExp]>([
    ['an unknown tensor', { name: 'x', start: [0], end: [1] }, /"x", which the architecture does not have/],
    [
      'an empty range',
      { name: 'w', start: [2], end: [2] },
      /is 2 to 2 in dimension 0; 0 <= start < end <= 4/,
    ],
    [
      'a range beyond the end',
      { name: 'w', start: [0, 0], end: [4, 6] },
      /is 0 to 6 in dimension 1; .* <= 5/,
    ],
    ['a negative start', { name: 'w', start: [-1], end: [2] }, /is -1 to 2/],
    ['a tied tensor', { name: 'tied', start: [0], end: [1] }, /tied to "w" and not sent/],
  ])('of %s are refused', (_, slice, message) => {
    const tied: Parameter = { ...parameter([4, 5], 'tied'), tiedTo: 'w' };
    const error = failure(() => {
      Slicing.of([slice], undefined).check([parameter([4, 5]), tied]);
    });
    expect(error.kind).toBe('invalid_argument');
    expect(error.violations[0]?.field).toBe('slices[0]');
    expect(error.message).toMatch(message);
  });

  it('of a tensor twice, of no or three dimensions, or beside a shard are refused', () => {
    const one: NamedSlice = { name: 'w', start: [0], end: [1] };
    expect(failure(() => Slicing.of([one, one], undefined)).message).toMatch(
      /slices\[1\]\.name: "w" is repeated/,
    );
    expect(failure(() => Slicing.of([{ ...one, start: [], end: [] }], undefined)).message).toMatch(
      /0 dimensions/,
    );
    const three = { ...one, start: [0, 0, 0], end: [1, 1, 1] };
    expect(failure(() => Slicing.of([three], undefined)).message).toMatch(/both must have 1, or both 2/);
    expect(failure(() => Slicing.of([one], { index: 0, count: 2 })).message).toMatch(/^shard: .*slices/);
  });
});

describe('shards', () => {
  it('cut dimension 0 into the chunks of torch.chunk, and together are the whole tensor', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 9 }), (shape, count) => {
        const boxes = Array.from({ length: count }, (_, index) =>
          Slicing.of([], { index, count }).boxOf(parameter(shape)),
        );
        const [first = 1, ...rest] = shape;
        const rows = Math.ceil(first / count);
        boxes.forEach((box, index) => {
          const expected = Math.max(0, Math.min(rows, first - index * rows));
          expect(box?.shape[0] ?? 0).toBe(expected);
          if (box) expect(box.shape.slice(1)).toEqual(rest);
        });
        const all = boxes.flatMap((box) => (box ? indicesOf(box, shape) : []));
        expect(all).toEqual(all.map((_, index) => index));
        expect(all).toHaveLength(shape.reduce((product, size) => product * size, 1));
      }),
    );
  });

  it('outside the number of shards are refused', () => {
    expect(failure(() => Slicing.of([], { index: 2, count: 2 })).message).toMatch(
      /shard\.index: is 2; 0 to 1/,
    );
    expect(failure(() => Slicing.of([], { index: 0, count: 0 })).message).toMatch(
      /shard\.count: is 0; 1 to 65536/,
    );
  });
});
