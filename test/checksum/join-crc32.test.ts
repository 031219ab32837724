import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { joinCrc32 } from '../../src/checksum/join-crc32';

describe('the CRC-32 of joined bytes', () => {
  it('is made of those of the parts', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 3000 }), (first, second) => {
        const joined = joinCrc32(crc32(first), crc32(second), second.length);
        expect(joined).toBe(crc32(Buffer.concat([first, second])));
      }),
    );
  });

  it('holds for parts of many megabytes', () => {
    const zeros = Buffer.alloc(1 << 22);
    const part = crc32(zeros);
    const ofTwo = joinCrc32(part, part, zeros.length);
    expect(joinCrc32(ofTwo, ofTwo, 2 * zeros.length)).toBe(crc32(zeros, crc32(zeros, crc32(zeros, part))));
  });
});
