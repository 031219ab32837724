import fc from 'fast-check';
import { addNormals } from '../../src/random/noise';
import { inverseNormal, normal, philox, streamKey } from '../../src/random/random';

const key = streamKey(3, 'weight', 'lift');

const drawn = (first: number, count: number, stream = key): Float32Array => {
  const values = new Float32Array(count);
  addNormals(stream, first, 1, values);
  return values;
};

describe('noise', () => {
  it('of any run of elements is that of the whole, also beyond 2^32', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 5, 2 ** 32 - 20, 2 ** 34 - 21, 2 ** 52),
        fc.nat(60),
        fc.nat(60),
        (start, one, other) => {
          const [from, to] = [Math.min(one, other), Math.max(one, other)];
          expect(drawn(start + from, to - from)).toEqual(drawn(start, 60).subarray(from, to));
        },
      ),
    );
  });

  it('of an element is a word of Philox through the quantiles', () => {
    for (const element of [0, 1, 6, 7, 2 ** 34 + 13]) {
      const block = Math.floor(element / 4);
      const word = philox(key, [block % 2 ** 32, Math.floor(block / 2 ** 32), 0, 0])[element % 4] ?? NaN;
      expect(drawn(element, 1)[0]).toBe(Math.fround(inverseNormal((word + 0.5) / 2 ** 32)));
    }
  });

  it('has the moments of a normal distribution', () => {
    const count = 1 << 20;
    const values = drawn(0, count);
    const moment = (power: number): number => values.reduce((sum, value) => sum + value ** power, 0) / count;
    // Five standard errors of each.
    const bound = (variance: number): number => 5 * Math.sqrt(variance / count);
    expect(Math.abs(moment(1))).toBeLessThan(bound(1));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(bound(2));
    expect(Math.abs(moment(3))).toBeLessThan(bound(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(bound(96));
    const neighbours =
      values.reduce((sum, value, index) => sum + value * (values[index + 1] ?? 0), 0) / count;
    expect(Math.abs(neighbours)).toBeLessThan(bound(1));
  });

  it('is added to what is there, times the deviation, and rounded once', () => {
    const values = Float32Array.of(1, -2, 0.1);
    addNormals(key, 9, 0.25, values);
    const expected = [1, -2, Math.fround(0.1)].map((value, index) => {
      const word = philox(key, [Math.floor((9 + index) / 4), 0, 0, 0])[(9 + index) % 4] ?? NaN;
      return Math.fround(value + 0.25 * inverseNormal((word + 0.5) / 2 ** 32));
    });
    expect([...values]).toEqual(expected);
    const same = Float32Array.of(1, -2, 0.1);
    addNormals(key, 9, 0, same);
    expect([...same]).toEqual([1, -2, Math.fround(0.1)]);
  });

  it('has a stream for each seed and parameter, which no rule draws from', () => {
    const streams = [
      key,
      streamKey(4, 'weight', 'lift'),
      streamKey(3, 'bias', 'lift'),
      streamKey(3, 'weight'),
    ];
    const firsts = streams.map((stream) => drawn(0, 1, stream)[0]);
    expect(new Set(firsts).size).toBe(4);
    expect(firsts.slice(0, 3)).not.toContain(Math.fround(normal(streamKey(3, 'weight'), 0, 1)));
  });
});
