import fc from 'fast-check';
import type { LogahError } from '../../src/errors';
import { elementCount } from '../../src/graph/graph';
import { crop, elementsBefore, endOf, runsOf } from '../../src/plan/runs';
import { Slicing, type Box, type NamedSlice, type Sliceable } from '../../src/plan/slicing';

const parameter = (shape: readonly number[], name = 'w'): Sliceable => ({ name, shape, unsent: undefined });

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

const failure = (work: () => unknown): LogahError => {
  try {
    work();
  } catch (error) {
    return error as LogahError;
  }
  throw new Error('nothing was thrown');
};

describe('slices', () => {
  it('are runs that hold the same elements as the box, cut out of tiles of any size', () => {
    fc.assert(
      fc.property(slices, fc.integer({ min: 1, max: 40 }), ({ shape, slice }, size) => {
        const box = Slicing.of([slice], undefined).boxOf(parameter(shape));
        expect(box).toBeDefined();
        if (!box) return;
        const runs = runsOf(box, shape);
        const wanted = indicesOf(box, shape);
        const elements = elementCount(shape);
        const cut: number[] = [];
        for (let first = 0; first < elements; first += size) {
          const tile = Float32Array.from({ length: Math.min(size, elements - first) }, (_, at) => first + at);
          const own = crop(tile, { runs, first });
          expect(own).toHaveLength(elementsBefore(runs, first + size) - elementsBefore(runs, first));
          cut.push(...own);
        }
        expect(cut).toEqual(wanted);
        expect(endOf(runs)).toBe((wanted.at(-1) ?? -1) + 1);
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
    ['a scalar', { name: 'scalar', start: [0], end: [1] }, /has 1 dimensions; "scalar" has 0/],
    ['a tensor without elements', { name: 'empty', start: [0], end: [1] }, /is 0 to 1 in dimension 0/],
    ['a tied tensor', { name: 'tied', start: [0], end: [1] }, /tied to "w" and not sent/],
  ])('of %s are refused', (_, slice, message) => {
    const tied = { ...parameter([4, 5], 'tied'), unsent: 'tied to "w"' };
    const error = failure(() => {
      Slicing.of([slice], undefined).check([
        parameter([4, 5]),
        tied,
        parameter([], 'scalar'),
        parameter([0, 2], 'empty'),
      ]);
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

  it('send a scalar to the first rank, and what has no elements to every rank', () => {
    const boxes = [0, 1, 2].map((index) => {
      const slicing = Slicing.of([], { index, count: 3 });
      return [[], [0, 4], [4, 0]].map((shape) => slicing.boxOf(parameter(shape))?.shape);
    });
    expect(boxes).toEqual([
      [[], [0, 4], [4, 0]],
      [undefined, [0, 4], [4, 0]],
      [undefined, [0, 4], [4, 0]],
    ]);
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
