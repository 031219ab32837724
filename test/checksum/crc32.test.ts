import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 as reference } from 'node:zlib';
import fc from 'fast-check';
import wabtModule from 'wabt';
import { crc32 } from '../../src/checksum/crc32';
import { FOLD_WASM } from '../../src/checksum/fold-wasm';

/** Bytes that repeat after a prime number of them, from a seed. */
function bytesOf(length: number, seed: number): Uint8Array {
  const pattern = Uint8Array.from(
    { length: 8191 },
    (_, index) => (index * 31 + seed * 17 + (index >> 5)) % 256,
  );
  return Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length] ?? 0);
}

describe('the CRC-32', () => {
  it.each([
    0,
    1,
    4799,
    4800,
    19199,
    19200,
    19201,
    19264,
    65536,
    262143,
    262144,
    262145,
    281343,
    281344,
    1 << 20,
  ])('of %d bytes is that of zlib', (length) => {
    const bytes = bytesOf(length, length);
    expect(crc32(bytes)).toBe(reference(bytes));
  });

  it('goes on from any value, with any length, at any alignment', () => {
    const bytes = bytesOf(600_000, 1);
    const lengths = fc.integer({ min: 0, max: 590_000 });
    const values = fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat({ max: 0xffffffff }));
    fc.assert(
      fc.property(fc.nat({ max: 10_000 }), lengths, values, (start, length, previous) => {
        const part = bytes.subarray(start, start + length);
        expect(crc32(part, previous)).toBe(reference(part, previous));
      }),
      { numRuns: 300 },
    );
  });

  it('of parts, one behind the other, is that of the whole', () => {
    const bytes = bytesOf(500_000, 2);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 5 }), (cuts) => {
        const bounds = [0, ...cuts.sort((one, other) => one - other), bytes.length];
        const value = bounds
          .slice(1)
          .reduce((sum, end, index) => crc32(bytes.subarray(bounds[index], end), sum), 0);
        expect(value).toBe(reference(bytes));
      }),
    );
  });

  it('takes shared memory, too', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100_000));
    shared.set(bytesOf(100_000, 3));
    expect(crc32(shared)).toBe(reference(Buffer.from(shared)));
  });

  it('is computed by what its source assembles to', async () => {
    const source = join(__dirname, '../../src/checksum/fold.wat');
    const wabt = await wabtModule();
    const { buffer } = wabt.parseWat('fold.wat', readFileSync(source, 'utf8'), { simd: true }).toBinary({});
    expect(Buffer.from(buffer).toString('base64')).toBe(FOLD_WASM);
  });
});
