import fc from 'fast-check';
import type { PredictResponse } from '../../src/gen/logah/v1/PredictResponse';
import { LogahService } from '../../src/proto-definition';
import { serializeResponse } from '../../src/server/response-serializer';

const generated = LogahService.service.Predict.responseSerialize;
const EDGES = [0, 1, 127, 128, 2 ** 14 - 1, 2 ** 14, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 49, 2 ** 53 - 1];

function expectSame(message: PredictResponse, canonical = message): void {
  expect(Buffer.compare(Buffer.from(serializeResponse(message)), generated(canonical))).toBe(0);
}

function expectSameChunk(offset: number, data: Uint8Array): void {
  // protobufjs writes a default that is given; proto3's own form leaves it out.
  const chunk = { ...(offset > 0 && { offset }), ...(data.length > 0 && { data }) };
  expectSame({ chunk: { offset, data } }, { chunk });
}

describe('the serializer of a stream', () => {
  it('writes what the generated one does, for every offset and length', () => {
    const offsets = fc.oneof(fc.constantFrom(...EDGES), fc.maxSafeNat());
    const lengths = fc.oneof(fc.constantFrom(0, 1, 127, 128, 4096, 16383, 16384), fc.nat({ max: 3000 }));
    fc.assert(
      fc.property(offsets, lengths, fc.nat({ max: 255 }), (offset, length, seed) => {
        const data = Uint8Array.from({ length }, (_, index) => (index * 7 + seed) % 256);
        expectSameChunk(offset, data);
      }),
      { numRuns: 500 },
    );
  });

  it('writes chunks of the largest size', () => {
    expectSame({ chunk: { offset: 2 ** 53 - 1, data: new Uint8Array(4 << 20).fill(7) } });
  });

  it('leaves nothing of a longer chunk in a shorter one', () => {
    serializeResponse({ chunk: { offset: 9, data: new Uint8Array(1000).fill(255) } });
    expectSame({ chunk: { offset: 1, data: Uint8Array.of(1, 2, 3) } });
  });

  it('leaves other messages to the generated one', () => {
    expectSame({ plan: { model: 'm', totalBytes: 5, tensors: [{ name: 't', shape: [1, 2], bytes: 8 }] } });
    expectSame({ summary: { totalBytes: 5, digests: [{ name: 't', crc32: 0xffffffff }] } });
    expectSame({});
  });
});
