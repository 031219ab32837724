/** Starts that a formula gives, over a real port: for every architecture, and the same however they are sent. */

import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { predictDense, type LogahClient, type PredictRequest } from '../../src/client';
import type { PredictResponse__Output } from '../../src/gen/logah/v1/PredictResponse';
import { floats } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { anyBox, boxOf } from '../support/boxes';
import { startServer, type ServerProcess } from '../support/server-process';
import { chain } from '../support/requests';

const NAMES = ['default', 'mup_orthogonal', 'orthogonal', 'small', 'torchtitan'];
const GPT2 = { model_type: 'gpt2', n_embd: 48, n_layer: 2, n_head: 3, vocab_size: 120, n_positions: 16 };
const LLAMA = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  vocab_size: 200,
};
const RESNET = {
  model_type: 'resnet',
  embedding_size: 8,
  hidden_sizes: [8, 16],
  depths: [1, 1],
  layer_type: 'basic',
};
const MIXTRAL = {
  model_type: 'mixtral',
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 64,
  num_local_experts: 3,
};

let server: ServerProcess;
let client: LogahClient;

beforeAll(async () => {
  server = await startServer({ models: 'models' });
  ({ client } = server);
});

afterAll(async () => {
  await server.stop();
});

function request(config: object, model: string, changes: Partial<PredictRequest> = {}): PredictRequest {
  return {
    architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) },
    model,
    seed: 7,
    ...changes,
  };
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('the built-in starts', () => {
  it('are listed behind the models', async () => {
    const { models } = await client.listModels();
    const last = models.slice(-NAMES.length);
    expect(last.map(({ name, builtIn }) => [name, builtIn])).toEqual(NAMES.map((name) => [name, true]));
    expect(models.slice(0, -NAMES.length).every(({ builtIn }) => !builtIn)).toBe(true);
  });

  it.each(NAMES)('%s fills every parameter by rule, for every family, without a warning', async (model) => {
    for (const config of [GPT2, LLAMA, RESNET, MIXTRAL]) {
      const { plan, data } = await predictAll(client, request(config, model));
      expect(plan.model).toBe(model);
      expect(plan.warnings).toEqual([]);
      expect(plan.coverage.initialized).toBe(plan.coverage.parameters);
      expect(data.length).toBe(plan.totalBytes);
      expect(floats(data).every(Number.isFinite)).toBe(true);
    }
  });

  it('fill an explicit graph, too', async () => {
    const { plan } = await predictAll(client, { architecture: { graph: chain(2) }, model: 'orthogonal' });
    expect(plan.tensors.map(({ source }) => source)).toEqual(['SOURCE_INITIALIZED']);
  });

  it.each(NAMES)(
    '%s has the same bits in slices, and in a stream that goes on, as in the whole',
    async (model) => {
      const whole = await predictAll(client, request(GPT2, model));
      const sent = whole.plan.tensors.filter(({ sent: is }) => is);
      await fc.assert(
        fc.asyncProperty(anyBox(sent), async (box) => {
          const slices = [{ name: box.name, start: box.start, end: box.end }];
          const sliced = await predictAll(client, request(GPT2, model, { slices }));
          const tensor = sliced.plan.tensors.find(({ name }) => name === box.name);
          if (tensor === undefined) throw new Error(`${box.name} is not in the plan`);
          expect([...floats(sliced.tensor(box.name))]).toEqual(boxOf(whole, tensor));
        }),
        { numRuns: 15 },
      );
      const { fingerprint } = whole.plan;
      const parts: Buffer[] = [];
      for await (const response of server.stub.Predict(
        request(GPT2, model, { resume: { fingerprint, offset: 1000 } }),
      ) as AsyncIterable<PredictResponse__Output>) {
        if (response.chunk) parts.push(response.chunk.data);
      }
      expect(Buffer.concat(parts).equals(whole.data.subarray(1000))).toBe(true);
    },
  );

  it.each(NAMES)('%s has the same elements as cores, which are rules and seeds, as dense', async (model) => {
    const dense = await predictAll(client, request(LLAMA, model));
    const cores = await predictAll(client, request(LLAMA, model, { representation: 'REPRESENTATION_CORE' }));
    expect(cores.plan.totalBytes).toBeLessThanOrEqual(dense.plan.totalBytes);
    // By element on the client, but for orthogonal matrices, which no client computes.
    if (!model.includes('orthogonal')) expect(cores.plan.totalBytes).toBeLessThan(2000);
    const asked = request(LLAMA, model, { representation: 'REPRESENTATION_CORE' });
    const parts: Buffer[] = [];
    for await (const event of predictDense(client, asked))
      if (event.kind === 'data') parts.push(Buffer.from(event.data));
    expect(Buffer.concat(parts).equals(dense.data)).toBe(true);
  });

  it('are what a strict request asks for, too', async () => {
    const strict = await predictAll(client, request(GPT2, 'orthogonal', { strict: true }));
    expect(strict.data.equals((await predictAll(client, request(GPT2, 'orthogonal'))).data)).toBe(true);
  });

  it('draw by the seed', async () => {
    const [one, same, other] = [
      await predictAll(client, request(LLAMA, 'orthogonal')),
      await predictAll(client, request(LLAMA, 'orthogonal')),
      await predictAll(client, request(LLAMA, 'orthogonal', { seed: 8 })),
    ];
    expect(one.data.equals(same.data)).toBe(true);
    expect(one.data.equals(other.data)).toBe(false);
  });

  it('default is what transformers draws', async () => {
    const { tensor } = await predictAll(client, request(GPT2, 'default'));
    expect(deviation(floats(tensor('transformer.wte.weight')))).toBeCloseTo(0.02, 2);
    // 0.02 over the root of two writers in each of two layers.
    expect(deviation(floats(tensor('transformer.h.1.mlp.c_proj.weight')))).toBeCloseTo(0.01, 3);
    expect([...floats(tensor('transformer.ln_f.weight'))]).toEqual(new Array<number>(48).fill(1));
  });

  it('orthogonal takes queries, keys and values apart', async () => {
    const { tensor } = await predictAll(client, request(GPT2, 'orthogonal'));
    const fused = floats(tensor('transformer.h.0.attn.c_attn.weight'));
    for (const part of [0, 1, 2]) {
      const row = (index: number): Float32Array =>
        fused.subarray(index * 144 + part * 48, index * 144 + part * 48 + 48);
      const product = (one: number, other: number): number =>
        row(one).reduce((sum, value, at) => sum + value * (row(other)[at] as number), 0);
      expect(product(3, 3)).toBeCloseTo(2, 5);
      expect(product(3, 17)).toBeCloseTo(0, 5);
    }
  });

  it('mup_orthogonal has fan-out over fan-in as the square of every singular value', async () => {
    const { tensor } = await predictAll(client, request(LLAMA, 'mup_orthogonal'));
    // [96, 64]: columns are orthonormal times sqrt(96 / 64).
    const up = floats(tensor('model.layers.0.mlp.up_proj.weight'));
    const square = (column: number): number =>
      Array.from({ length: 96 }, (_, row) => up[row * 64 + column] as number).reduce(
        (sum, x) => sum + x * x,
        0,
      );
    expect(square(0)).toBeCloseTo(1.5, 5);
    expect(square(63)).toBeCloseTo(1.5, 5);
  });

  it('small has a deviation of one over the fan-in', async () => {
    const { tensor } = await predictAll(client, request(LLAMA, 'small'));
    expect(deviation(floats(tensor('model.layers.0.mlp.down_proj.weight'))) * 96).toBeCloseTo(1, 1);
    expect(deviation(floats(tensor('model.embed_tokens.weight'))) * 64).toBeCloseTo(1, 1);
  });

  it('torchtitan shrinks what writes to the residual stream with depth', async () => {
    const { tensor } = await predictAll(client, request(LLAMA, 'torchtitan'));
    const of = (layer: number, name: string): number =>
      deviation(floats(tensor(`model.layers.${layer}.${name}.weight`)));
    for (const layer of [0, 1, 2]) {
      const depth = Math.sqrt(2 * (layer + 1));
      for (const name of ['self_attn.o_proj', 'mlp.up_proj', 'mlp.down_proj'])
        expect((of(layer, name) * depth) / 0.02).toBeCloseTo(1, 1);
      for (const name of ['self_attn.q_proj', 'mlp.gate_proj'])
        expect(of(layer, name) / 0.02).toBeCloseTo(1, 1);
    }
    expect(deviation(floats(tensor('model.embed_tokens.weight')))).toBeCloseTo(1, 1);
    expect(Math.max(...floats(tensor('lm_head.weight')))).toBeLessThanOrEqual(3 / 8);
  });

  it.each([
    { field: 'copies', changes: { copies: 2 }, said: 'draws networks of any width' },
    { field: 'lift', changes: { lift: 0.5 }, said: 'nothing that noise could be added to' },
    { field: 'base', changes: { base: 1 }, said: 'nothing that noise could be added to' },
    { field: 'strength', changes: { strength: 0.3 }, said: 'nothing that could be stronger or weaker' },
  ])('refuse $field', async ({ field, changes, said }) => {
    const refused = predictAll(client, request(GPT2, 'orthogonal', changes));
    await expect(refused).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    const error: unknown = await refused.catch((caught: unknown) => caught);
    expect(JSON.stringify(error)).toContain(field);
    expect(String(error) + JSON.stringify(error)).toContain(said);
  });
});
