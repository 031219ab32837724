/** Noise on top of what is predicted, over a real port: of the right size, and the same however it is sent. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import type { PredictRequest } from '../../src/client';
import { convert } from '../../src/narrowing/convert';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import {
  type DecoderServer,
  blocksOf,
  DENSE,
  GPT2,
  MODELS,
  moments,
  requestFor,
  startDecoderServer,
  TRAINED,
  TRAINED_GPT2,
  VIT,
} from '../support/decoder-models';
import { anyBox, boxOf } from '../support/boxes';
import { floats } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { savedData } from '../support/saved';

const LIFT = 0.5;

let running: DecoderServer;

beforeAll(async () => {
  running = await startDecoderServer();
});

afterAll(() => running.stop());

describe.each(MODELS)('$network, $copies times, by $model', ({ config, model, copies }) => {
  const plain = requestFor(config, { model, copies });
  const lifted = { ...plain, lift: LIFT };
  let before: Predicted;
  let whole: Predicted;

  beforeAll(async () => {
    [before, whole] = [
      await predictAll(running.server.client, plain),
      await predictAll(running.server.client, lifted),
    ];
  });

  it('gets noise of so many standard deviations of each block, and none where there is no matrix', () => {
    const isFusedApart = copies > 1 || model === TRAINED_GPT2;
    let lifted = 0;
    for (const tensor of whole.plan.tensors.filter(({ sent }) => sent)) {
      const [was, is] = [before, whole].map((of) => floats(of.tensor(tensor.name))) as [
        Float32Array,
        Float32Array,
      ];
      if (tensor.shape.length === 1 || tensor.source === 'SOURCE_INITIALIZED') {
        expect([tensor.name, is]).toEqual([tensor.name, was]);
        continue;
      }
      for (const block of blocksOf(tensor, isFusedApart)) {
        lifted += 1;
        const expected = LIFT * moments(block.map((index) => was[index] ?? NaN)).deviation;
        const noise = moments(block.map((index) => (is[index] ?? NaN) - (was[index] ?? NaN)));
        // Five standard errors.
        const bound = 5 / Math.sqrt(block.length);
        expect([tensor.name, Math.abs(noise.mean / expected) < bound]).toEqual([tensor.name, true]);
        const isRight = Math.abs(noise.deviation / expected - 1) < bound / Math.SQRT2;
        expect([tensor.name, noise.deviation, expected, isRight]).toEqual([
          tensor.name,
          noise.deviation,
          expected,
          true,
        ]);
      }
    }
    expect(lifted).toBeGreaterThan(9);
  });

  it('has in any box of a tensor the bits of the whole', async () => {
    const tensors = whole.plan.tensors.filter(({ sent }) => sent);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyBox(tensors), { minLength: 1, maxLength: 12, selector: ({ name }) => name }),
        async (slices) => {
          const selection = { patterns: slices.map(({ name }) => name) };
          const part = await predictAll(running.server.client, { ...lifted, slices, selection });
          for (const tensor of part.plan.tensors.filter(({ sent }) => sent)) {
            expect([...floats(part.tensor(tensor.name))]).toEqual(boxOf(whole, tensor));
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('is together what its shards are, and goes on where a stream broke off', async () => {
    for (let index = 0; index < 3; index++) {
      const shard = await predictAll(running.server.client, { ...lifted, shard: { index, count: 3 } });
      for (const tensor of shard.plan.tensors.filter(({ sent }) => sent)) {
        expect([...floats(shard.tensor(tensor.name))]).toEqual(boxOf(whole, tensor));
      }
    }
    const { fingerprint, totalBytes } = whole.plan;
    const rest: Buffer[] = [];
    // Within a tensor, and within an element.
    const start = Math.floor(totalBytes / 2) + 1;
    const stream = running.server.stub.Predict({ ...lifted, resume: { fingerprint, offset: start } });
    for await (const { chunk } of stream as AsyncIterable<PredictResponse__Output>) {
      if (chunk) rest.push(Buffer.from(chunk.data));
    }
    expect(Buffer.concat(rest).equals(whole.data.subarray(start))).toBe(true);
  });

  it('is without a lift what it was', async () => {
    const none = await predictAll(running.server.client, { ...plain, lift: 0 });
    expect(none.data.equals(before.data)).toBe(true);
    expect(none.plan).toEqual(before.plan);
    expect([before.plan.lift, whole.plan.lift]).toEqual([0, LIFT]);
    expect(whole.plan.fingerprint).not.toBe(before.plan.fingerprint);
  });
});

describe.each(MODELS.filter(({ config }) => config === VIT))(
  '$network, $copies times, by $model',
  ({ config, model, copies }) => {
    it('keeps the position of its class token, which is filled by rule, beside those that get noise', async () => {
      const plain = requestFor(config, { model, copies });
      const [before, lifted] = [
        await predictAll(running.server.client, plain),
        await predictAll(running.server.client, { ...plain, lift: LIFT }),
      ];
      const name = 'vit.embeddings.position_embeddings';
      const width = lifted.plan.tensors.find((tensor) => tensor.name === name)?.shape.at(-1) ?? NaN;
      const [was, is] = [before, lifted].map((of) => floats(of.tensor(name)));
      expect(is?.subarray(0, width)).toEqual(was?.subarray(0, width));
      expect(is?.subarray(width)).not.toEqual(was?.subarray(width));
    });
  },
);

it('noise is added before values are rounded to the element type', async () => {
  const [f32, bf16] = await Promise.all(
    (['DATA_TYPE_FLOAT32', 'DATA_TYPE_BFLOAT16'] as const).map((dtype) =>
      predictAll(running.server.client, requestFor(VIT, { lift: LIFT, dtype })),
    ),
  );
  const values = floats(f32?.data ?? Buffer.alloc(0));
  const rounded = new Uint16Array(values.length);
  convert(values, rounded, 'bf16');
  expect(bf16?.data.equals(Buffer.from(rounded.buffer))).toBe(true);
});

it('seeds, parameters and strengths make different noise of one distribution', async () => {
  const of = async (changes: Partial<PredictRequest>): Promise<Predicted> =>
    predictAll(running.server.client, requestFor(VIT, { model: TRAINED, ...changes }));
  const plain = await of({});
  const noiseOf = ({ tensor }: Predicted, name: string): number[] => {
    const was = floats(plain.tensor(name));
    return [...floats(tensor(name))].map((value, index) => value - (was[index] ?? NaN));
  };
  const correlation = (one: readonly number[], other: readonly number[]): number => {
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
    return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
  };
  const [one = '', other = ''] = plain.plan.tensors
    .map(({ name }) => name)
    .filter((name) => name.endsWith('fc1.weight'));
  const [lifted, seeded, strong] = [
    await of({ lift: 1 }),
    await of({ lift: 1, seed: 6 }),
    await of({ lift: 2 }),
  ];
  const bound = 5 / Math.sqrt(96 * 192);
  expect(Math.abs(correlation(noiseOf(lifted, one), noiseOf(seeded, one)))).toBeLessThan(bound);
  expect(Math.abs(correlation(noiseOf(lifted, one), noiseOf(lifted, other)))).toBeLessThan(bound);
  expect(Math.abs(correlation(noiseOf(lifted, one), [...floats(plain.tensor(one))]))).toBeLessThan(bound);
  // The same noise, twice as strong.
  expect(correlation(noiseOf(lifted, one), noiseOf(strong, one))).toBeCloseTo(1, 5);
  expect(moments(noiseOf(strong, one)).deviation / moments(noiseOf(lifted, one)).deviation).toBeCloseTo(2, 5);
});

it('the copies of a widened network differ, and repeat without a lift', async () => {
  const name = 'classifier.weight';
  const copiesOf = async (lift: number): Promise<number[][]> => {
    const { tensor } = await predictAll(
      running.server.client,
      requestFor(VIT, { model: TRAINED, copies: 3, lift }),
    );
    const values = [...floats(tensor(name))];
    return [0, 1, 2].map((copy) => values.filter((_, index) => Math.floor((index % 96) / 32) === copy));
  };
  const [first, second, third] = await copiesOf(0);
  expect([second, third]).toEqual([first, first]);
  const lifted = await copiesOf(LIFT);
  const equal = lifted[0]?.filter(
    (value, index) => value === lifted[1]?.[index] || value === lifted[2]?.[index],
  );
  expect(equal).toEqual([]);
});

it('a plan of a lifted network tells it, has no limit of rank, and takes as many bytes as factors', async () => {
  const plan = await running.server.client.plan(requestFor(VIT, { lift: LIFT }));
  expect(plan.lift).toBe(LIFT);
  expect(plan.tensors.filter(({ rank }) => rank > 0)).toEqual([]);
  expect(plan.factorBytes).toBe(plan.denseBytes);
  const plain = await running.server.client.plan(requestFor(VIT));
  // A deviation and a key for each block that gets noise.
  expect(plan.coreBytes).toBeGreaterThan(plain.coreBytes);
  expect(plan.coreBytes - plain.coreBytes).toBeLessThan(16 * 2 * plan.tensors.length);
  expect(plan.coverage).toEqual(plain.coverage);
  expect(plain.tensors.filter(({ rank }) => rank > 0).length).toBeGreaterThan(9);
  expect(plain.coreBytes).toBeLessThan(plain.denseBytes);
  const stronger = await running.server.client.plan(requestFor(VIT, { lift: 0.25 }));
  expect(new Set([plan, plain, stronger].map(({ fingerprint }) => fingerprint)).size).toBe(3);
});

it.each([
  [-0.1, 'is -0.1; 0 to 10 is allowed'],
  [10.5, 'is 10.5; 0 to 10 is allowed'],
  [NaN, 'is NaN; 0 to 10 is allowed'],
  [Infinity, 'is Infinity; 0 to 10 is allowed'],
])('a lift of %d is refused', async (lift, description) => {
  await expect(running.server.client.plan(requestFor(VIT, { lift }))).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    violations: [{ field: 'lift', description }],
  });
});

it('factors with a lift are refused', async () => {
  const representation = 'REPRESENTATION_FACTORS';
  const description =
    `is ${representation} together with lift 0.5; only REPRESENTATION_DENSE and REPRESENTATION_CORE are allowed, ` +
    'since noise has no factors';
  await expect(
    running.server.client.plan(requestFor(VIT, { lift: LIFT, representation })),
  ).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    violations: [{ field: 'representation', description }],
  });
});

it.each(MODELS)('$network, $copies times, by $model, has as cores the bits of the dense', async (of) => {
  const { config, model, copies } = of;
  const file = join(running.directory, 'config.json');
  await writeFile(file, JSON.stringify(config));
  const flags = [
    '--server',
    running.server.address,
    '--model',
    model,
    '--copies',
    String(copies),
    '--lift',
    '0.5',
  ];
  const dense = await savedData(file, flags);
  const expanded = await savedData(file, [...flags, '--representation', 'core']);
  expect(expanded.equals(dense)).toBe(true);
  const { coreBytes, denseBytes } = await running.server.client.plan(
    requestFor(config, { model, copies, lift: LIFT }),
  );
  expect(coreBytes < denseBytes).toBe(model !== DENSE);
});

it('a lift of 10 is allowed, also where a strict network is asked for', async () => {
  const plan = await running.server.client.plan(requestFor(GPT2, { lift: 10, strict: true }));
  expect(plan.lift).toBe(10);
});
