/** Models that scale predictions to the architecture's own standard deviation, over a real port. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PredictRequest } from '../../src/client';
import { BUNDLE, floats } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';

const FAN_IN = 'parity-logah';
const STD = 'parity-logah-std';
const EMBEDDINGS = ['transformer.wte.weight', 'transformer.wpe.weight'];
const GPT2 = {
  model_type: 'gpt2',
  n_embd: 96,
  n_layer: 1,
  n_head: 3,
  vocab_size: 3001,
  n_positions: 64,
  tie_word_embeddings: false,
};

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-std-'));
  await cp(BUNDLE, join(directory, FAN_IN), { recursive: true });
  await copyAsStd(BUNDLE, join(directory, STD), STD);
  server = await startServer({ models: directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

function requestOf(model: string, config: object = GPT2): PredictRequest {
  return { architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) }, model, seed: 1 };
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Of every matrix that is not an embedding: the largest relative distance of its deviation from `target`. */
function largestMiss({ plan, tensor }: Predicted, target: number): number {
  const matrices = plan.tensors.filter(({ name, shape }) => shape.length > 1 && !EMBEDDINGS.includes(name));
  expect(matrices).toHaveLength(5);
  return Math.max(...matrices.map(({ name }) => Math.abs(deviation(floats(tensor(name))) / target - 1)));
}

test("every matrix has the configuration's standard deviation, repetitions included", async () => {
  const standard = await predictAll(server.client, requestOf(STD));
  expect(largestMiss(standard, 0.02)).toBeLessThan(1e-4);
  const wide = await predictAll(server.client, requestOf(STD, { ...GPT2, initializer_range: 0.5 }));
  expect(largestMiss(wide, 0.5)).toBeLessThan(1e-4);
  expect(wide.plan.fingerprint).not.toBe(standard.plan.fingerprint);
});

test('embeddings and vectors are those of a model that normalises by fan-in', async () => {
  const [std, fanIn] = await Promise.all(
    [STD, FAN_IN].map((model) => predictAll(server.client, requestOf(model))),
  );
  if (std === undefined || fanIn === undefined) throw new Error('no prediction');
  const same = std.plan.tensors.filter(({ name }) => std.tensor(name).equals(fanIn.tensor(name)));
  const expected = std.plan.tensors.filter(
    ({ name, shape }) => shape.length === 1 || EMBEDDINGS.includes(name),
  );
  expect(same).toEqual(expected);
});

test('a model that normalises by fan-in does not heed it', async () => {
  const plan = (config: object): Promise<{ fingerprint: string }> =>
    server.client.plan(requestOf(FAN_IN, config));
  expect((await plan({ ...GPT2, initializer_range: 0.5 })).fingerprint).toBe((await plan(GPT2)).fingerprint);
});

test('a block of one element is refused: it has no standard deviation', async () => {
  const config = { ...GPT2, n_embd: 1, n_head: 1 };
  await expect(server.client.plan(requestOf(STD, config))).rejects.toThrow(
    /parameter "transformer\.h\.0\.attn\.c_attn\.weight" is predicted in a block of one element/,
  );
});
