import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  inverseNormal,
  normal,
  philox,
  streamKey,
  truncatedNormal,
  uniform,
  type StreamKey,
} from '../../src/random/random';

type Words = [number, number, number, number];

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(join(__dirname, '..', 'fixtures', 'numbers', `${name}.json`), 'utf8'));

const COUNT = 20_000;

function moments(draw: (index: number) => number): { mean: number; deviation: number; fourth: number } {
  const values = Array.from({ length: COUNT }, (_, index) => draw(index));
  const mean = values.reduce((sum, value) => sum + value, 0) / COUNT;
  const central = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / COUNT;
  return { mean, deviation: Math.sqrt(central(2)), fourth: central(4) / central(2) ** 2 };
}

describe('Philox4x32-10', () => {
  // Random123's kat_vectors.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as [Words, StreamKey, Words][])('has the published output for %j', (counter, key, output) => {
    expect(philox(key, counter)).toEqual(output);
  });

  it('agrees with integers of any size at counters and keys at random', () => {
    const vectors = fixture('philox') as { counter: Words; key: StreamKey; output: Words }[];
    for (const { counter, key, output } of vectors) expect(philox(key, counter)).toEqual(output);
  });
});

describe('the quantile of the normal distribution', () => {
  it('agrees with 40 digits to a few units of the last place', () => {
    for (const [p, quantile] of fixture('quantiles') as [number, number][]) {
      expect(Math.abs(inverseNormal(p) - quantile)).toBeLessThanOrEqual(2e-15 * Math.abs(quantile));
    }
  });

  it('is odd about one half', () => {
    expect(inverseNormal(0.5)).toBe(0);
    for (const p of [0.25, 0.125, 2 ** -10]) expect(inverseNormal(1 - p)).toBe(-inverseNormal(p));
  });
});

describe('a random parameter', () => {
  const key = streamKey(7, 'class_token');

  it('has a stream of its own under each seed and name', () => {
    const keys = [streamKey(7, 'class_token'), streamKey(8, 'class_token'), streamKey(7, 'other')];
    expect(new Set(keys.map(String)).size).toBe(3);
    expect(streamKey(7, 'class_token')).toEqual(key);
    expect(streamKey(Number.MAX_SAFE_INTEGER, 'x')).not.toEqual(streamKey(Number.MAX_SAFE_INTEGER - 1, 'x'));
  });

  it('has the values that it had when this test was written', () => {
    const draws = [0, 1, 2 ** 32, 2 ** 53 - 1].map((index) => Math.fround(normal(key, index, 0.02)));
    expect(draws).toMatchInlineSnapshot(`
     [
       -0.02119392529129982,
       0.004358011297881603,
       -0.008448978886008263,
       -0.02661529928445816,
     ]
    `);
  });

  it('is normal with the standard deviation asked for', () => {
    const { mean, deviation, fourth } = moments((index) => normal(key, index, 0.02));
    expect(Math.abs(mean) / 0.02).toBeLessThan(0.02);
    expect(deviation / 0.02).toBeCloseTo(1, 1);
    expect(fourth).toBeCloseTo(3, 0);
  });

  it('is uniform up to the bound asked for', () => {
    let largest = 0;
    const { mean, deviation, fourth } = moments((index) => {
      const value = uniform(key, index, 0.3);
      largest = Math.max(largest, Math.abs(value));
      return value;
    });
    expect(largest).toBeLessThan(0.3);
    expect(largest).toBeGreaterThan(0.299);
    expect(Math.abs(mean)).toBeLessThan(0.02 * 0.3);
    expect(deviation / (0.3 / Math.sqrt(3))).toBeCloseTo(1, 1);
    expect(fourth).toBeCloseTo(9 / 5, 1);
  });

  it.each([
    { deviation: 0.02, expected: 0.02 },
    // The standard deviation of a normal of deviation s between -2 and 2.
    { deviation: 1, expected: 0.8796 },
    { deviation: 0.999, expected: 0.8791 },
    { deviation: 3, expected: 1.1073 },
    { deviation: 1e6, expected: 2 / Math.sqrt(3) },
  ])('truncated with standard deviation $deviation stays between -2 and 2', ({ deviation, expected }) => {
    let largest = 0;
    const found = moments((index) => {
      const value = truncatedNormal(key, index, deviation);
      largest = Math.max(largest, Math.abs(value));
      return value;
    });
    expect(largest).toBeLessThanOrEqual(2);
    expect(Math.abs(found.mean)).toBeLessThan(0.02 * expected);
    expect(Math.abs(found.deviation / expected - 1)).toBeLessThan(0.02);
  });

  it('is 0 where the standard deviation is', () => {
    expect(truncatedNormal(key, 5, 0)).toBeCloseTo(0, 15);
    expect(normal(key, 5, 0)).toBeCloseTo(0, 15);
  });

  it('differs from element to element, also beyond 2^32', () => {
    const indices = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 53 - 1];
    expect(new Set(indices.map((index) => normal(key, index, 1))).size).toBe(indices.length);
  });
});
