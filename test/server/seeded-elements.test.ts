/** How many elements a plan says that the seed has a part in, against those that differ between seeds. */

import type { PredictRequest } from '../../src/client';
import { floats } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const VIT = {
  model_type: 'vit',
  hidden_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 3,
  intermediate_size: 96,
  image_size: 28,
  patch_size: 7,
  num_channels: 1,
  num_labels: 10,
};
const RESNET = {
  model_type: 'resnet',
  embedding_size: 8,
  hidden_sizes: [8],
  depths: [1],
  layer_type: 'basic',
};
const GPT2 = { model_type: 'gpt2', n_embd: 48, n_layer: 1, n_head: 3, vocab_size: 120, n_positions: 16 };
const MODEL = 'logah-tiny-vit-fashion';

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ models: 'models' });
});

afterAll(async () => {
  await server.stop();
});

const ofConfig = (config: object, changes: Partial<PredictRequest> = {}): PredictRequest => ({
  architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) },
  ...changes,
});

/** What the plan says, and how many elements differ among so many seeds. */
async function seeded(
  request: PredictRequest,
  seeds = 2,
): Promise<{ told: number; counted: number; of: number }> {
  const { plan, data } = await predictAll(server.client, request);
  const first = floats(data);
  const changed = new Set<number>();
  for (let seed = 1; seed < seeds; seed++) {
    const other = await predictAll(server.client, { ...request, seed });
    expect(other.plan.seededElements).toBe(plan.seededElements);
    floats(other.data).forEach((value, index) => {
      if (value !== first[index]) changed.add(index);
    });
  }
  return { told: plan.seededElements, counted: changed.size, of: first.length };
}

/** An orthogonal start draws signs, half of which are the same with any other seed. */
const SEEDS_OF_SIGNS = 24;

test.each(['default', 'mup_orthogonal', 'orthogonal', 'small', 'torchtitan'])(
  'of the start %s it is what is drawn, without the ones and zeros of norms and biases',
  async (model) => {
    for (const config of [VIT, RESNET, GPT2]) {
      const { told, counted, of } = await seeded(
        ofConfig(config, { model }),
        model.endsWith('orthogonal') ? SEEDS_OF_SIGNS : 2,
      );
      expect(told).toBe(counted);
      expect(told).toBeGreaterThan(0);
      expect(told).toBeLessThan(of);
    }
  },
);

test('of a prediction it is what random rules fill, and with a lift or a base what noise is added to as well', async () => {
  const predicted = await seeded(ofConfig(VIT, { model: MODEL }));
  expect(predicted.told).toBe(predicted.counted);
  const lifted = await seeded(ofConfig(VIT, { model: MODEL, lift: 0.5 }));
  expect(lifted.told).toBe(lifted.counted);
  expect(lifted.told).toBeGreaterThan(predicted.told);
  expect(lifted.told).toBeLessThan(lifted.of);
  expect(await seeded(ofConfig(VIT, { model: MODEL, strength: 0.3, base: 1 }))).toEqual(lifted);
});

test.each([
  ['zeros', { rule: 'RULE_ZEROS' }, 0],
  ['a constant', { rule: 'RULE_CONSTANT', value: 3 }, 0],
  ['an identity', { rule: 'RULE_IDENTITY' }, 0],
  ['normals', { rule: 'RULE_NORMAL', standardDeviation: 0.5 }, 12],
  ['normals without a deviation', { rule: 'RULE_NORMAL', standardDeviation: 0 }, 0],
  ['uniform draws', { rule: 'RULE_UNIFORM', bound: 0.5 }, 12],
  ['uniform draws between 0 and 0', { rule: 'RULE_UNIFORM', bound: 0 }, 0],
] as const)('of a parameter of %s it is so many of its 12', async (_, initialization, expected) => {
  const graph = {
    nodes: [
      { name: 'input', operation: 'input' },
      { name: 'layer', operation: 'conv', shape: [4, 3] },
    ],
    edges: [{ source: 0, target: 1 }],
    parameters: [{ name: 'weight', shape: [4, 3], blocks: [{ length: 4, initialization }] }],
  };
  const { told, counted } = await seeded({ architecture: { graph }, model: MODEL });
  expect({ told, counted }).toEqual({ told: expected, counted: expected });
});
