/** A weakened prediction on a random base, over a real port: of the stated size, and the same however it is sent. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import type { PredictRequest, TensorPlan } from '../../src/client';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { convert } from '../../src/narrowing/convert';
import { inverseNormal, philox, streamKey } from '../../src/random/random';
import {
  type DecoderServer,
  blocksOf,
  DENSE,
  GPT2,
  MODELS,
  moments,
  PUBLISHED,
  requestFor,
  SEED,
  startDecoderServer,
  TRAINED,
  TRAINED_GPT2,
  VIT,
} from '../support/decoder-models';
import { anyBox, boxOf } from '../support/boxes';
import { floats } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { savedData } from '../support/saved';

/** As the research has it: docs/research-log.md, section 18. */
const BLEND = { strength: 0.3, base: 1 };

let running: DecoderServer;

beforeAll(async () => {
  running = await startDecoderServer();
});

afterAll(() => running.stop());

/** Of transformers' own start: GPT-2's smaller projections are what is written to the residual stream, two a layer. */
function defaultDeviation(name: string): number {
  return name.endsWith('c_proj.weight') ? 0.02 / Math.sqrt(2 * GPT2.n_layer) : 0.02;
}

const isBlended = ({ shape, source }: TensorPlan): boolean =>
  shape.length > 1 && source !== 'SOURCE_INITIALIZED';

const drawn = new Map<string, Float64Array>();

/** The numbers of a parameter's stream, a part of the contract: docs/decisions/016-lift.md. Kept, since all models share them. */
function normalsOf(name: string, count: number): Float64Array {
  const known = drawn.get(name);
  if (known !== undefined && known.length >= count) return known;
  const key = streamKey(SEED, name, 'lift');
  const normals = new Float64Array(count);
  for (let index = 0; index < count; index += 4) {
    philox(key, [index / 4, 0, 0, 0]).forEach((word, at) => {
      if (index + at < count) normals[index + at] = inverseNormal((word + 0.5) / 2 ** 32);
    });
  }
  drawn.set(name, normals);
  return normals;
}

/** The tensor with noise of each block's deviation in its blocks. */
function withNoise(
  { name }: TensorPlan,
  values: Float32Array,
  blocks: readonly (readonly number[])[],
  deviationOf: (block: readonly number[]) => number,
): Float32Array {
  const result = Float32Array.from(values);
  const normals = normalsOf(name, values.length);
  for (const block of blocks) {
    const deviation = deviationOf(block);
    for (const index of block) result[index] = (values[index] ?? NaN) + deviation * (normals[index] ?? NaN);
  }
  return result;
}

const bytesOf = ({ buffer }: Float32Array): Buffer => Buffer.from(buffer);

const sent = ({ plan }: Predicted): TensorPlan[] => plan.tensors.filter((tensor) => tensor.sent);

describe.each(MODELS)('$network, $copies times, by $model', ({ config, model, copies }) => {
  const isFusedApart = copies > 1 || model === TRAINED_GPT2;
  const plain = requestFor(config, { model, copies });
  const blended = { ...plain, ...BLEND };
  let before: Predicted;
  let weak: Predicted;
  let whole: Predicted;

  beforeAll(async () => {
    before = await predictAll(running.server.client, plain);
    weak = await predictAll(running.server.client, { ...plain, strength: BLEND.strength });
    whole = await predictAll(running.server.client, blended);
  });

  it('is as strong as is asked for, and its vectors as near to where they start by default', async () => {
    const half = await predictAll(running.server.client, { ...plain, strength: 0.5 });
    for (const tensor of sent(before)) {
      const [was, halved, weakened] = [before, half, weak].map((of) => floats(of.tensor(tensor.name))) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const isVector = tensor.shape.length === 1 && tensor.source !== 'SOURCE_INITIALIZED';
      const blended = new Set(isBlended(tensor) ? blocksOf(tensor, true).flat() : []);
      const centre = isVector && tensor.name.endsWith('.weight') ? 1 : 0;
      const largest = was.reduce((most, value) => Math.max(most, Math.abs(value)), centre);
      was.forEach((value, index) => {
        const isWeaker = isVector || blended.has(index);
        const exact = isWeaker ? (value + centre) / 2 : value;
        const expected = isWeaker ? centre + BLEND.strength * (value - centre) : value;
        // A norm's weight is rounded once, what it is computed from here once more.
        if (Math.abs((halved[index] ?? NaN) - exact) > (centre === 0 ? 0 : 2 ** -23))
          throw new Error(`${tensor.name}[${index}] is ${halved[index]} for ${exact}`);
        if (!(Math.abs((weakened[index] ?? NaN) - expected) <= 1e-6 * largest))
          throw new Error(`${tensor.name}[${index}] is ${weakened[index]} for ${expected}`);
      });
    }
  });

  it('gets noise of the deviation of its default start, and none where there is no matrix', () => {
    let noisy = 0;
    for (const tensor of sent(whole)) {
      const [was, is] = [weak, whole].map((of) => floats(of.tensor(tensor.name))) as [
        Float32Array,
        Float32Array,
      ];
      const blocks = isBlended(tensor) ? blocksOf(tensor, isFusedApart) : [];
      noisy += blocks.length;
      const deviation = BLEND.base * defaultDeviation(tensor.name);
      const expected = withNoise(tensor, was, blocks, () => deviation);
      expect([tensor.name, Buffer.compare(bytesOf(is), bytesOf(expected))]).toEqual([tensor.name, 0]);
    }
    expect(noisy).toBeGreaterThan(9);
  });

  it('gets together with a lift one noise, of the deviation of both', async () => {
    const lift = 0.5;
    const both = await predictAll(running.server.client, { ...blended, lift });
    for (const tensor of sent(both).filter(isBlended)) {
      const [was, is] = [weak, both].map((of) => floats(of.tensor(tensor.name))) as [
        Float32Array,
        Float32Array,
      ];
      const deviationOf = (block: readonly number[]): number => {
        const own = lift * moments(block.map((index) => was[index] ?? NaN)).deviation;
        return Math.sqrt(own ** 2 + (BLEND.base * defaultDeviation(tensor.name)) ** 2);
      };
      const expected = withNoise(tensor, was, blocksOf(tensor, isFusedApart), deviationOf);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = expected.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - (is[at] ?? NaN))),
        0,
      );
      expect([tensor.name, worst <= 1e-5 * largest]).toEqual([tensor.name, true]);
    }
  });

  it('has in any box of a tensor the bits of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyBox(sent(whole)), { minLength: 1, maxLength: 12, selector: ({ name }) => name }),
        async (slices) => {
          const selection = { patterns: slices.map(({ name }) => name) };
          const part = await predictAll(running.server.client, { ...blended, slices, selection });
          for (const tensor of sent(part)) {
            const expected = Float32Array.from(boxOf(whole, tensor));
            expect(part.tensor(tensor.name).equals(bytesOf(expected))).toBe(true);
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  it('is together what its shards are, and goes on where a stream broke off', async () => {
    for (let index = 0; index < 3; index++) {
      const shard = await predictAll(running.server.client, { ...blended, shard: { index, count: 3 } });
      for (const tensor of sent(shard)) {
        const expected = Float32Array.from(boxOf(whole, tensor));
        expect(shard.tensor(tensor.name).equals(bytesOf(expected))).toBe(true);
      }
    }
    const { fingerprint, totalBytes } = whole.plan;
    const rest: Buffer[] = [];
    // Within a tensor, and within an element.
    const start = Math.floor(totalBytes / 2) + 1;
    const stream = running.server.stub.Predict({ ...blended, resume: { fingerprint, offset: start } });
    for await (const { chunk } of stream as AsyncIterable<PredictResponse__Output>) {
      if (chunk) rest.push(Buffer.from(chunk.data));
    }
    expect(Buffer.concat(rest).equals(whole.data.subarray(start))).toBe(true);
  });

  it('has as cores the bits of the dense, and as factors too where there is no noise', async () => {
    const file = join(running.directory, 'config.json');
    await writeFile(file, JSON.stringify(config));
    const flags = [
      '--server',
      running.server.address,
      '--model',
      model,
      '--copies',
      String(copies),
      '--seed',
      '5',
    ];
    const [weakly, noisily] = [
      [...flags, '--strength', '.3'],
      [...flags, '--strength', '.3', '--base', '1'],
    ];
    expect((await savedData(file, [...weakly, '--factors'])).equals(weak.data)).toBe(true);
    expect((await savedData(file, [...noisily, '--representation', 'core'])).equals(whole.data)).toBe(true);
    const { coreBytes, denseBytes, factorBytes } = whole.plan;
    expect([coreBytes < denseBytes, factorBytes]).toEqual([model !== DENSE, denseBytes]);
  });

  it('is what it was with a strength of 1 and no base', async () => {
    const none = await predictAll(running.server.client, { ...plain, strength: 1, base: 0 });
    expect(none.data.equals(before.data)).toBe(true);
    expect(none.plan).toEqual(before.plan);
    expect([weak, whole].map(({ plan }) => [plan.strength, plan.base])).toEqual([
      [0.3, 0],
      [0.3, 1],
    ]);
    expect(new Set([before, weak, whole].map(({ plan }) => plan.fingerprint)).size).toBe(3);
  });
});

it('values are rounded to the element type behind the noise', async () => {
  const of = async (dtype: 'DATA_TYPE_FLOAT32' | 'DATA_TYPE_BFLOAT16'): Promise<Buffer> =>
    (await predictAll(running.server.client, requestFor(VIT, { ...BLEND, dtype }))).data;
  const values = floats(await of('DATA_TYPE_FLOAT32'));
  const rounded = new Uint16Array(values.length);
  convert(values, rounded, 'bf16');
  expect((await of('DATA_TYPE_BFLOAT16')).equals(Buffer.from(rounded.buffer))).toBe(true);
});

it('the copies of a widened network part', async () => {
  const { tensor } = await predictAll(
    running.server.client,
    requestFor(VIT, { model: TRAINED, copies: 3, ...BLEND }),
  );
  const values = [...floats(tensor('classifier.weight'))];
  const [first, ...others] = [0, 1, 2].map((copy) =>
    values.filter((_, index) => Math.floor((index % 96) / 32) === copy),
  );
  for (const other of others) expect(first?.filter((value, index) => value === other[index])).toEqual([]);
});

it('a network of another own deviation has another base, and another fingerprint', async () => {
  const name = 'transformer.wte.weight';
  const of = (range: number, changes: Partial<PredictRequest>): Promise<Predicted> => {
    const config = { ...GPT2, initializer_range: range };
    return predictAll(running.server.client, requestFor(config, { model: PUBLISHED, ...changes }));
  };
  const [weak, usual, wide] = [
    await of(0.02, { strength: 0.3 }),
    await of(0.02, BLEND),
    await of(0.5, BLEND),
  ];
  const noise = [usual, wide].map(({ tensor }) => {
    const was = floats(weak.tensor(name));
    return moments([...floats(tensor(name))].map((value, index) => value - (was[index] ?? NaN))).deviation;
  });
  expect((noise[0] ?? NaN) / 0.02).toBeCloseTo(1, 1);
  expect((noise[1] ?? NaN) / 0.5).toBeCloseTo(1, 1);
  expect(wide.plan.fingerprint).not.toBe(usual.plan.fingerprint);
  // Without a base, nothing depends on it.
  expect((await of(0.5, { strength: 0.3 })).plan.fingerprint).toBe(weak.plan.fingerprint);
});

it('what starts at zero gets no base, and is not counted as seeded', async () => {
  // transformers starts the positions of DeiT at zero.
  const config = { ...VIT, model_type: 'deit' };
  const [weak, blended] = [
    await predictAll(running.server.client, requestFor(config, { model: TRAINED, strength: 0.3 })),
    await predictAll(running.server.client, requestFor(config, { model: TRAINED, ...BLEND })),
  ];
  const name = 'deit.embeddings.position_embeddings';
  expect(blended.tensor(name).equals(weak.tensor(name))).toBe(true);
  const noisy = blended.plan.tensors.filter((tensor) => isBlended(tensor) && tensor.name !== name);
  const elements = noisy.reduce((sum, { predictedElements }) => sum + predictedElements, 0);
  expect(blended.plan.seededElements - weak.plan.seededElements).toBe(elements);
});

it.each([
  ['strength', 0, 'is 0; above 0 and at most 10 is allowed'],
  ['strength', -1, 'is -1; above 0 and at most 10 is allowed'],
  ['strength', 10.5, 'is 10.5; above 0 and at most 10 is allowed'],
  ['strength', NaN, 'is NaN; above 0 and at most 10 is allowed'],
  ['base', -0.1, 'is -0.1; 0 to 10 is allowed'],
  ['base', 11, 'is 11; 0 to 10 is allowed'],
  ['base', NaN, 'is NaN; 0 to 10 is allowed'],
])('a %s of %d is refused', async (field, value, description) => {
  await expect(running.server.client.plan(requestFor(VIT, { [field]: value }))).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    violations: [{ field, description }],
  });
});

it('factors with a base are refused', async () => {
  const representation = 'REPRESENTATION_FACTORS';
  const description =
    `is ${representation} together with base 1; only REPRESENTATION_DENSE and REPRESENTATION_CORE are allowed, ` +
    'since noise has no factors';
  await expect(
    running.server.client.plan(requestFor(VIT, { ...BLEND, representation })),
  ).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    violations: [{ field: 'representation', description }],
  });
});
