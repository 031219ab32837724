import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { bytesPerElement, convert } from '../src/element-type';

type Narrow = 'f16' | 'bf16';

/** Exponent and mantissa bits. */
const FORMATS = {
  f16: { exponentBits: 5, mantissaBits: 10 },
  bf16: { exponentBits: 8, mantissaBits: 7 },
} as const;

const TYPES: readonly Narrow[] = ['f16', 'bf16'];

/** The value of 16 bits, by the definition of IEEE 754's binary formats; exact in a double. */
function valueOf(bits: number, type: Narrow): number {
  const { exponentBits, mantissaBits } = FORMATS[type];
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
}

/** Positive values of a format up to where infinity would lie if the exponent went on, ascending. */
function scale(type: Narrow): number[] {
  const { exponentBits, mantissaBits } = FORMATS[type];
  const infinity = (2 ** exponentBits - 1) << mantissaBits;
  const finite = Array.from({ length: infinity }, (_, bits) => valueOf(bits, type));
  return [...finite, 2 ** (2 ** (exponentBits - 1))];
}

const SCALES = { f16: scale('f16'), bf16: scale('bf16') };

/** The bits of the nearest value, by search; the even one of two that are equally near. */
function nearest(value: number, type: Narrow): number {
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const values = SCALES[type];
  let low = 0;
  let high = values.length - 1;
  if (magnitude >= (values[high] ?? 0)) return sign | high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - (values[low] ?? 0);
  const above = (values[high] ?? 0) - magnitude;
  const upwards = above < below || (above === below && (low & 1) === 1);
  return sign | (upwards ? high : low);
}

function converted(values: Float32Array, type: Narrow): number[] {
  const target = new Uint16Array(values.length);
  convert(values, target, type);
  return [...target];
}

const ofBits = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);

describe.each(TYPES)('%s', (type) => {
  it('keeps each of its own 65536 values', () => {
    const bits = Array.from({ length: 65536 }, (_, index) => index);
    const own = bits.filter((index) => !Number.isNaN(valueOf(index, type)));
    const values = Float32Array.from(own, (index) => valueOf(index, type));
    expect(converted(values, type)).toEqual(own);
  });

  it('is the nearest value, the even one of two', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (bits) => {
        const values = ofBits([bits]);
        const [value = 0] = values;
        const [actual = 0] = converted(values, type);
        if (Number.isNaN(value)) expect(valueOf(actual, type)).toBeNaN();
        else expect(actual).toBe(nearest(value, type));
      }),
      { numRuns: 20_000 },
    );
  });

  it('rounds each tie between neighbours to the even one, and what lies beside it to the nearer', () => {
    const values = SCALES[type];
    const wrong: unknown[] = [];
    for (let low = 0; low < values.length - 1; low++) {
      const tie = Math.fround(((values[low] ?? 0) + (values[low + 1] ?? 0)) / 2);
      const bits = new Uint32Array(Float32Array.of(tie).buffer)[0] ?? 0;
      const around = ofBits([bits - 1, bits, bits + 1]);
      const even = low + (low & 1);
      // Subnormal ties of bfloat16 are subnormal float32, whose bits are their size as well.
      const found = converted(around, type);
      if (String(found) !== String([low, even, low + 1])) wrong.push({ low, found });
    }
    expect(wrong).toEqual([]);
  });

  it('keeps NaN with any payload, and its sign', () => {
    const payloads = Array.from({ length: 23 }, (_, index) => 0x7f800000 + 2 ** index);
    for (const bits of [...payloads, ...payloads.map((payload) => payload + 2 ** 31)]) {
      const [actual = 0] = converted(ofBits([bits]), type);
      expect(valueOf(actual, type)).toBeNaN();
      expect(actual >> 15).toBe(bits >= 2 ** 31 ? 1 : 0);
    }
  });

  it('agrees with numpy and torch', () => {
    const path = join(__dirname, 'fixtures', 'numbers', 'conversions.json');
    const golden = JSON.parse(readFileSync(path, 'utf8')) as Record<'f32' | Narrow, number[]>;
    expect(converted(ofBits(golden.f32), type)).toEqual(golden[type]);
  });
});

test('an element has 4 or 2 bytes', () => {
  expect([bytesPerElement('f32'), bytesPerElement('f16'), bytesPerElement('bf16')]).toEqual([4, 2, 2]);
});
