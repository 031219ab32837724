/** Llama and its kin in a fresh clone: the models that ship have one that was trained on them. */

import { join } from 'node:path';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const MODELS = join(__dirname, '..', '..', 'models');
const MODEL = 'logah-tiny-llama-kjv';
/** Within training in every respect. */
const SIZES = {
  hidden_size: 72,
  intermediate_size: 216,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  num_key_value_heads: 3,
  vocab_size: 1024,
  max_position_embeddings: 128,
};

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ models: MODELS });
});

afterAll(() => server.stop());

const architecture = (config: object): { transformersConfig: Buffer } => ({
  transformersConfig: Buffer.from(JSON.stringify(config)),
});

test.each(['llama', 'mistral', 'qwen2'])('%s is predicted by the model that knows it', async (family) => {
  const config = { model_type: family, ...SIZES };
  const plan = await server.client.plan({ architecture: architecture(config), model: '' });
  expect(plan.model).toBe(MODEL);
  expect(plan.hasTokenizer).toBe(true);
  expect(plan.warnings).toEqual([]);
  const { tensor, summary } = await predictAll(server.client, { architecture: architecture(config) });
  // Float32, and not one matrix for both.
  const [gate, up] = ['gate', 'up'].map((part) => tensor(`model.layers.1.mlp.${part}_proj.weight`));
  expect(gate).toHaveLength(216 * 72 * 4);
  expect(gate?.equals(up ?? Buffer.alloc(0))).toBe(false);
  expect(summary.digests).toHaveLength(plan.tensors.length);
});

test('a published size is predicted too, and its warnings say where it lies outside of training', async () => {
  const config = {
    model_type: 'llama',
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 22,
    num_attention_heads: 32,
    num_key_value_heads: 4,
    vocab_size: 32000,
    max_position_embeddings: 2048,
  };
  const plan = await server.client.plan({ architecture: architecture(config), model: '' });
  expect(plan.model).toBe(MODEL);
  expect(plan.tensors).toHaveLength(201);
  expect(plan.warnings.map(({ field }) => field)).toContain('vocab_size');
  expect(plan.warnings.map(({ field }) => field)).not.toContain('family');
});
