import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { bytesPerElement, type ElementType } from '../../src/element-type';
import { convert, writeElements } from '../../src/narrowing/convert';
import { narrowed } from '../support/narrowed';

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
    const path = join(__dirname, '..', 'fixtures', 'numbers', 'conversions.json');
    const golden = JSON.parse(readFileSync(path, 'utf8')) as Record<'f32' | Narrow, number[]>;
    expect(converted(ofBits(golden.f32), type)).toEqual(golden[type]);
  });
});

describe.each(TYPES)('%s in bulk', (type) => {
  it('has the bits of the arithmetic on single numbers, for every sign, exponent and first bits and ends of all kinds', () => {
    const ends = [0, 1, 0x2a, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff];
    const bits = new Uint32Array(65536 * ends.length);
    for (let start = 0, at = 0; start < 65536; start++)
      for (const end of ends) bits[at++] = start * 65536 + end;
    const target = new Uint16Array(bits.length);
    convert(new Float32Array(bits.buffer), target, type);
    expect(bits.findIndex((value, index) => narrowed(value, type) !== target[index])).toBe(-1);
  });

  it('converts any number of elements, wherever they lie', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 9 }), (length, start) => {
        const bits = Uint32Array.from({ length: start + length }, (_, index) => Math.imul(index, 0x9e3779b1));
        const target = new Uint16Array(length + 1).fill(0x1234);
        convert(new Float32Array(bits.buffer).subarray(start), target, type);
        const wrong = bits
          .subarray(start)
          .findIndex((value, index) => narrowed(value, type) !== target[index]);
        expect(wrong).toBe(-1);
        expect(target[length]).toBe(0x1234);
      }),
      { numRuns: 30 },
    );
  });
});

test.each(['f32', 'f16', 'bf16'] as ElementType[])('%s is written with its CRC-32', (type) => {
  for (const length of [0, 1, 7, 4799, 4800, 9600, 65536, 65537, 131072, 131073, 700_001]) {
    const values = Float32Array.from({ length }, (_, index) => Math.sin(index) * 10 ** ((index % 40) - 20));
    const target = new Uint8Array(new SharedArrayBuffer(length * 4 + 8), 3);
    const sum = writeElements(values, target, type);
    const bits = new Uint32Array(values.buffer);
    const expected = type === 'f32' ? bits : Uint16Array.from(bits, (value) => narrowed(value, type));
    const bytes = Buffer.from(expected.buffer);
    expect(Buffer.from(target.slice(0, bytes.length)).equals(bytes)).toBe(true);
    expect(target.slice(bytes.length).every((byte) => byte === 0)).toBe(true);
    expect(sum).toBe(crc32(bytes));
  }
});

test('an element has 4 or 2 bytes', () => {
  expect([bytesPerElement('f32'), bytesPerElement('f16'), bytesPerElement('bf16')]).toEqual([4, 2, 2]);
});
