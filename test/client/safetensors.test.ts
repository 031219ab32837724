import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readSafetensor, readSafetensorsHeader, saveSafetensors } from '../../src/client';
import { predictionEvents } from '../../src/client/prediction-events';
import { parseHeader } from '../../src/client/files/safetensors-reader';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { messagesOf, prediction, streamOf } from './fixtures';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-safetensors-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function save(messages: readonly PredictResponse__Output[], seed?: number) {
  const events = predictionEvents(streamOf(messages), { chunkBytes: 1024, sha256: false });
  return saveSafetensors(events, join(directory, 'model.safetensors'), { seed });
}

describe('writing safetensors', () => {
  it('is byte for byte the golden file', async () => {
    const header =
      '{"__metadata__":{"format":"pt","logah.model":"tiny",' +
      `"logah.fingerprint":"${'ab'.repeat(32)}","logah.seed":"7"},` +
      '"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"7":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}';
    const shapes = [['b', [2]] as const, ['7', [1, 1]] as const];
    await save(messagesOf(prediction(shapes, 'tied'), 5), 7);
    const file = await readFile(join(directory, 'model.safetensors'));
    const padding = (8 - (header.length % 8)) % 8;
    const golden = Buffer.concat([
      Buffer.from([header.length + padding, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from(header + ' '.repeat(padding)),
      Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ]);
    expect(file.toString('latin1')).toBe(golden.toString('latin1'));
  });

  it('writes what the reader reads', async () => {
    const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    const shapes = fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), shape, {
      minKeys: 1,
      maxKeys: 6,
      noNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 1, max: 64 }), async (tensors, chunkBytes) => {
        const whole = prediction(tensors);
        await save(messagesOf(whole, chunkBytes));
        const path = join(directory, 'model.safetensors');
        const { tensors: read, metadata } = await readSafetensorsHeader(path);
        expect([...read.keys()]).toEqual(whole.plan.tensors.map((tensor) => tensor.name));
        expect(metadata).toMatchObject({ format: 'pt', 'logah.seed': '0' });
        for (const { name, offset, bytes, shape: expected } of whole.plan.tensors) {
          expect(read.get(name)?.shape).toEqual(expected);
          const data = await readSafetensor(path, name);
          expect(data.equals(whole.data.subarray(offset, offset + bytes))).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['ends early', messagesOf(prediction({ a: [30] })).slice(0, -1)],
    ['has no plan', messagesOf(prediction({ a: [30] })).slice(1)],
    ['cannot be held by the format', messagesOf(prediction({ __metadata__: [30] }))],
  ])('leaves nothing where the stream %s, and keeps the file of before', async (_, messages) => {
    await expect(save(messages)).rejects.toThrow();
    expect(await readdir(directory)).toEqual([]);
    await writeFile(join(directory, 'model.safetensors'), 'before');
    await expect(save(messages)).rejects.toThrow();
    expect(await readdir(directory)).toEqual(['model.safetensors']);
    expect(await readFile(join(directory, 'model.safetensors'), 'utf8')).toBe('before');
  });
});

describe('reading safetensors', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

  it.each<[string, unknown, string]>([
    ['is not JSON', '{"a"', 'the header is not JSON'],
    ['is not an object', '[]', 'not a JSON object'],
    ['begins with a space', ' {}', 'not a JSON object from its first byte on'],
    ['has metadata that is not text', { __metadata__: { a: 1 } }, '__metadata__ is not an object of strings'],
    [
      'has an unknown dtype',
      { a: { ...entry, dtype: 'F31' } },
      'tensor "a" has dtype "F31", expected one of BOOL',
    ],
    ['has a negative size', { a: { ...entry, shape: [-2] } }, 'tensor "a" has shape [-2]'],
    ['has a fractional offset', { a: { ...entry, data_offsets: [0, 8.5] } }, 'data_offsets [0,8.5]'],
    ['has three offsets', { a: { ...entry, data_offsets: [0, 4, 8] } }, 'has 3 data_offsets'],
    [
      'has a shape unlike its bytes',
      { a: { ...entry, shape: [3] } },
      'has 8 bytes, its shape and dtype need 12',
    ],
    ['leaves a gap', { a: { ...entry, shape: [1], data_offsets: [4, 8] } }, 'begins at byte 4, expected 0'],
    [
      'overlaps',
      { a: entry, b: { ...entry, shape: [1], data_offsets: [4, 8] } },
      '"b" begins at byte 4, expected 8',
    ],
    [
      'leaves data over',
      { a: { ...entry, shape: [1], data_offsets: [0, 4] } },
      'have 4 bytes, the file has 8',
    ],
  ])('refuses a header that %s', (_, header, message) => {
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    expect(() => parseHeader(json, 8)).toThrow(message);
  });

  it('refuses a header that is not UTF-8', () => {
    expect(() => parseHeader(Buffer.from([0x7b, 0xff, 0x7d]), 0)).toThrow('the header is not JSON');
  });

  const length = (bytes: number): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(bytes));
    return buffer;
  };

  it.each([
    ['too short for a length', Buffer.from('abc'), 'the file has 3 bytes'],
    ['with a header above the cap', length(100_000_001), 'has 100000001 bytes, 100000000 are allowed'],
    [
      'that ends within its header',
      Buffer.concat([length(10), Buffer.from('{}')]),
      'the header ends at byte 18',
    ],
  ])('refuses a file %s', async (_, content, message) => {
    const path = join(directory, 'model.safetensors');
    await writeFile(path, content);
    await expect(readSafetensorsHeader(path)).rejects.toThrow(message);
  });

  it('says which tensor is not there', async () => {
    await save(messagesOf(prediction({ a: [3] })));
    const path = join(directory, 'model.safetensors');
    await expect(readSafetensor(path, 'b')).rejects.toThrow('no tensor "b"');
  });
});
