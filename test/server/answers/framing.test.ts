import {
  credentials,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import fc from 'fast-check';
import type { PredictResponse, PredictResponse__Output } from '../../../src/gen/logah/v1/PredictResponse';
import { LogahService } from '../../../src/contract/service-clients';
import { HEADROOM } from '../../../src/stream/frames';
import { frameChunk, framePassing, serializeResponse } from '../../../src/server/answers/framing';
import { isMessageFramer } from '../../../src/server/answers/grpc-internals';

const generated = LogahService.service.Predict.responseSerialize;
const EDGES = [0, 1, 127, 128, 2 ** 14 - 1, 2 ** 14, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 49, 2 ** 53 - 1];

/** gRPC's prefix and the message, as grpc-js would write them. */
function prefixed(message: PredictResponse): Buffer {
  const body = generated(message);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function expectSameChunk(offset: number, bytes: Uint8Array): void {
  const frame = Buffer.alloc(HEADROOM + bytes.length, 0xee);
  frame.set(bytes, HEADROOM);
  const message = frameChunk({ offset, data: frame.subarray(HEADROOM), release: () => undefined });
  // protobufjs writes a default that is given; proto3's own form leaves it out.
  const chunk = { ...(offset > 0 && { offset }), ...(bytes.length > 0 && { data: bytes }) };
  expect(Buffer.compare(message.wire, prefixed({ chunk }))).toBe(0);
  expect(Buffer.compare(serializeResponse(message), generated({ chunk }))).toBe(0);
  expect(message.wire.buffer).toBe(frame.buffer);
}

describe('the frame of a chunk', () => {
  it('is what the generated serializer and grpc-js write, for every offset and length', () => {
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

  it('has room before chunks of the largest size and offset', () => {
    expectSameChunk(2 ** 53 - 1, new Uint8Array(4 << 20).fill(7));
  });

  it('is not written for other messages', () => {
    const messages: PredictResponse[] = [
      { plan: { model: 'm', totalBytes: 5, tensors: [{ name: 't', shape: [1, 2], bytes: 8 }] } },
      { summary: { totalBytes: 5, digests: [{ name: 't', crc32: 0xffffffff }] } },
      {},
    ];
    for (const message of messages)
      expect(Buffer.compare(serializeResponse(message), generated(message))).toBe(0);
  });

  it('passes through grpc-js without a copy', async () => {
    let isFramer = false;
    const server = new Server({
      interceptors: [
        (_, call) => {
          isFramer = isMessageFramer(call);
          framePassing(call);
          return new ServerInterceptingCall(call);
        },
      ],
    });
    const serialized: unknown[] = [];
    const { Predict } = LogahService.service;
    const responseSerialize = (message: PredictResponse): Buffer => {
      serialized.push(message);
      return serializeResponse(message);
    };
    const definition = { Predict: { ...Predict, responseSerialize } };
    server.addService(definition, {
      Predict: (call: ServerWritableStream<unknown, unknown>) => {
        const frame = Buffer.alloc(HEADROOM + 3, 7);
        call.write(frameChunk({ offset: 9, data: frame.subarray(HEADROOM), release: () => undefined }));
        call.write({ summary: { totalBytes: 3 } });
        call.end();
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    const client = new LogahService(`127.0.0.1:${port}`, credentials.createInsecure());
    const received: (string | undefined)[] = [];
    for await (const message of client.Predict({})) {
      const { chunk, summary } = message as PredictResponse__Output;
      received.push(chunk ? `${chunk.offset} ${chunk.data.toString('hex')}` : `${summary?.totalBytes}`);
    }
    client.close();
    server.forceShutdown();
    expect(received).toEqual(['9 070707', '3']);
    expect(isFramer).toBe(true);
    expect(serialized).toHaveLength(1);
  });
});
