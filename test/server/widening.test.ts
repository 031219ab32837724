/** Widened networks over a real port: the same bits however they are sent, and what is told of them. */

import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { anyBox, boxOf } from '../support/boxes';
import {
  type DecoderServer,
  GPT2,
  PUBLISHED,
  requestFor,
  startDecoderServer,
  STD,
  TRAINED,
  TRAINED_GPT2,
  VIT,
} from '../support/decoder-models';
import { floats } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';

let running: DecoderServer;

beforeAll(async () => {
  running = await startDecoderServer();
});

afterAll(() => running.stop());

const MODELS = [
  { network: 'a ViT', config: VIT, model: TRAINED },
  { network: 'a ViT', config: VIT, model: PUBLISHED },
  { network: 'a GPT-2', config: GPT2, model: TRAINED_GPT2 },
  { network: 'a GPT-2', config: GPT2, model: PUBLISHED },
  { network: 'a GPT-2', config: GPT2, model: STD },
];

describe.each(MODELS)('$network of three copies by $model', ({ config, model }) => {
  const widened = requestFor(config, { model, copies: 3 });
  let whole: Predicted;

  beforeAll(async () => {
    whole = await predictAll(running.server.client, widened);
  });

  it('has in any box of a tensor the bits of the whole', async () => {
    const tensors = whole.plan.tensors.filter(({ sent }) => sent);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyBox(tensors), { minLength: 1, maxLength: 12, selector: ({ name }) => name }),
        async (slices) => {
          const selection = { patterns: slices.map(({ name }) => name) };
          const part = await predictAll(running.server.client, { ...widened, slices, selection });
          for (const tensor of part.plan.tensors.filter(({ sent }) => sent)) {
            expect([...floats(part.tensor(tensor.name))]).toEqual(boxOf(whole, tensor));
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it('is together what its shards are, and goes on where a stream broke off', async () => {
    for (let index = 0; index < 3; index++) {
      const shard = await predictAll(running.server.client, { ...widened, shard: { index, count: 3 } });
      for (const tensor of shard.plan.tensors.filter(({ sent }) => sent)) {
        expect([...floats(shard.tensor(tensor.name))]).toEqual(boxOf(whole, tensor));
      }
    }
    const { fingerprint, totalBytes } = whole.plan;
    const start = whole.plan.tensors.find(({ offset }) => offset > totalBytes / 2)?.offset ?? 0;
    const rest: Buffer[] = [];
    const part = { fingerprint, start, end: totalBytes };
    for await (const event of running.server.client.predict(widened, { part })) {
      if (event.kind === 'data') rest.push(Buffer.from(event.data));
    }
    expect(Buffer.concat(rest).equals(whole.data.subarray(start))).toBe(true);
  });

  it('accounts for every element, those of the base once', async () => {
    const { coverage, widening, tensors } = whole.plan;
    expect(widening?.copies).toBe(3);
    expect(coverage.predicted + coverage.tiled + coverage.initialized).toBe(coverage.parameters);
    expect(tensors.filter(({ source }) => source === 'SOURCE_TILED').length).toBeGreaterThan(20);
    const one = await running.server.client.plan({ ...widened, copies: 1 });
    expect(one.widening).toBeNull();
    expect(one.coverage.parameters).toBe(coverage.parameters);
    expect(coverage.predicted).toBeLessThan(one.coverage.predicted);
    expect(one.fingerprint).not.toBe(whole.plan.fingerprint);
    const two = await running.server.client.plan({ ...widened, copies: 2 });
    expect(new Set([one, two, whole.plan].map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });
});

it('what is drawn at random is repeated as well', async () => {
  const { tensor } = await predictAll(running.server.client, requestFor(VIT, { copies: 3 }));
  const base = { ...VIT, hidden_size: 32, num_attention_heads: 2, intermediate_size: 64 };
  const narrow = await predictAll(running.server.client, requestFor(base, { copies: 1 }));
  const name = 'vit.embeddings.cls_token';
  const token = narrow.tensor(name);
  expect(new Set(floats(token)).size).toBe(32);
  expect(tensor(name).equals(Buffer.concat([token, token, token]))).toBe(true);
  // The positions of the class token are drawn too, those of the patches predicted.
  const [wide, few] = [tensor, narrow.tensor].map((of) => floats(of('vit.embeddings.position_embeddings')));
  const repeated = Array.from(
    { length: 17 * 96 },
    (_, index) => few?.[Math.floor(index / 96) * 32 + (index % 32)],
  );
  expect([...(wide ?? [])]).toEqual(repeated);
});

it('a network wider than training is made of copies by itself, and is not warned of for its widths', async () => {
  const config = { ...VIT, hidden_size: 384, num_attention_heads: 6, intermediate_size: 1536 };
  const plan = await running.server.client.plan(requestFor(config));
  expect(plan.widening).toEqual({
    copies: 2,
    base: { hidden_size: 192, num_attention_heads: 3, intermediate_size: 768 },
  });
  expect(plan.warnings).toEqual([]);
  expect((await running.server.client.plan(requestFor(config, { copies: 0 }))).fingerprint).toBe(
    plan.fingerprint,
  );
  const one = await running.server.client.plan(requestFor(config, { copies: 1 }));
  expect(one.warnings.map(({ field }) => field)).toEqual(['hidden_size', 'intermediate_size']);
  const within = await running.server.client.plan(requestFor(VIT));
  expect(within.widening).toBeNull();
  expect(within.fingerprint).toBe(
    (await running.server.client.plan(requestFor(VIT, { copies: 1 }))).fingerprint,
  );
});

it('a network that no number of copies brings into training is predicted as it is, with a warning', async () => {
  const config = { ...VIT, hidden_size: 250, num_attention_heads: 1 };
  const { widening, warnings } = await running.server.client.plan(requestFor(config));
  expect(widening).toBeNull();
  expect(warnings.map(({ kind, field }) => [kind, field])).toEqual([
    ['WARNING_KIND_RANGE', 'hidden_size'],
    ['WARNING_KIND_WIDENING', 'copies'],
  ]);
});

it('cores and factors of a widened network take what its base does, but for the norm that is divided', async () => {
  const model = TRAINED_GPT2;
  const base = { ...GPT2, n_embd: 32, n_inner: 200, n_head: 2 };
  const wide = await running.server.client.plan(requestFor(GPT2, { model, copies: 3 }));
  const narrow = await running.server.client.plan(requestFor(base, { model, copies: 1 }));
  const core = await running.server.client.plan(
    requestFor(GPT2, { model, copies: 3, representation: 'REPRESENTATION_CORE' }),
  );
  const dense = core.tensors.filter(({ sent, core: blocks }) => sent && blocks.length === 0);
  expect(dense.map(({ name }) => name)).toEqual(['transformer.ln_f.weight', 'transformer.ln_f.bias']);
  expect(wide.coreBytes).toBeLessThan(narrow.denseBytes);
  const ofBase = await running.server.client.plan(
    requestFor(base, { model, copies: 1, representation: 'REPRESENTATION_CORE' }),
  );
  for (const [index, { name, bytes, core: blocks }] of ofBase.tensors.entries()) {
    if (blocks.length > 0) expect([name, core.tensors[index]?.bytes]).toEqual([name, bytes]);
  }
});

it('a model without recorded training predicts every network as it is', async () => {
  const plan = await running.server.client.plan(
    requestFor({ ...VIT, hidden_size: 384 }, { model: PUBLISHED }),
  );
  expect(plan.widening).toBeNull();
});

it.each([
  ['more than are allowed', requestFor(VIT, { copies: 1025 }), 'is 1025; at most 1024 is allowed'],
  [
    'a number that the heads are no multiple of',
    requestFor(VIT, { copies: 4 }),
    'is 4; what divides hidden_size 96, num_attention_heads 6 and intermediate_size 192 is allowed: 1, 2, 3, 6',
  ],
  [
    'copies of a graph',
    {
      copies: 2,
      architecture: {
        graph: {
          nodes: [
            { name: 'input', operation: 'input' },
            { name: 'weight', operation: 'conv', shape: [4, 4] },
          ],
          edges: [{ source: 0, target: 1 }],
          parameters: [
            {
              name: 'weight',
              shape: [4, 4],
              blocks: [{ length: 4, prediction: { node: 1, role: 'ROLE_MATRIX' as const } }],
            },
          ],
        },
      },
    },
    'is 2; at most 1 is allowed for a graph or an ONNX file, which do not say what of them is a width; a transformers ' +
      'configuration does',
  ],
])('%s are refused', async (_, asked, description) => {
  await expect(running.server.client.plan(asked)).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    violations: [{ field: 'copies', description }],
  });
});
