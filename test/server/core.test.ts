/** Cores over a real port: their sizes, parts of their stream, the expansion, and models that have none. */

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { PredictRequest } from '../../src/client';
import { predictAll } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const BUNDLE = join(__dirname, '../fixtures/parity/bundle');
const NETWORK = {
  model_type: 'vit',
  hidden_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 384,
  image_size: 32,
  patch_size: 4,
};

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ models: BUNDLE });
});

afterAll(async () => {
  await server.stop();
});

const request = (changes: Partial<PredictRequest> = {}): PredictRequest => ({
  architecture: { transformersConfig: Buffer.from(JSON.stringify(NETWORK)) },
  representation: 'REPRESENTATION_CORE',
  seed: 5,
  ...changes,
});

it('a plan says the bytes of every representation, whichever is asked for', async () => {
  const plans = await Promise.all(
    (['REPRESENTATION_DENSE', 'REPRESENTATION_FACTORS', 'REPRESENTATION_CORE'] as const).map(
      (representation) => server.client.plan(request({ representation })),
    ),
  );
  const sizes = plans.map(({ denseBytes, factorBytes, coreBytes }) => [denseBytes, factorBytes, coreBytes]);
  expect(sizes[0]).toEqual(plans.map(({ totalBytes }) => totalBytes));
  expect(sizes[1]).toEqual(sizes[0]);
  expect(sizes[2]).toEqual(sizes[0]);
  const [dense = 0, factors = 0, core = 0] = sizes[0] ?? [];
  expect(factors).toBeLessThan(dense);
  expect(core).toBeLessThan(factors / 4);
});

it('every kind of tensor is sent as cores, and what is drawn at random as the key of its stream', async () => {
  const { tensors } = await server.client.plan(request());
  const layouts = new Set(tensors.flatMap(({ core }) => core.map(({ layout }) => layout.slice(12))));
  expect([...layouts].sort()).toEqual(['BIAS', 'KERNEL', 'MATRIX', 'NORM_WEIGHT', 'POSITIONS', 'RULE']);
  const classToken = tensors.find(({ name }) => name.endsWith('cls_token'));
  expect(classToken).toMatchObject({
    core: [{ layout: 'CORE_LAYOUT_RULE', rule: { rule: 'RULE_TRUNCATED_NORMAL', standardDeviation: 0.02 } }],
    bytes: 8,
  });
});

it('a stream that goes on in the middle brings the rest of the same bytes', async () => {
  const whole = await predictAll(server.client, request());
  const { fingerprint } = whole.plan;
  for (const offset of [1, 5000, whole.data.length - 3]) {
    const parts: Buffer[] = [];
    const call = server.stub.Predict(request({ resume: { fingerprint, offset } }));
    for await (const message of call) {
      const { chunk } = message as { chunk: { data: Buffer } | null };
      if (chunk) parts.push(chunk.data);
    }
    expect(Buffer.concat(parts).equals(whole.data.subarray(offset))).toBe(true);
  }
});

it.each([{ shard: { index: 0, count: 2 } }, { slices: [{ name: 'x', start: [0], end: [1] }] }])(
  'cores cannot be combined with %j',
  async (cut) => {
    await expect(server.client.plan(request(cut))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      violations: [{ field: 'representation' }],
    });
  },
);

it('an expansion is the file of the model, and is asked for by its digest', async () => {
  const plan = await server.client.plan(request());
  const file = await readFile(join(BUNDLE, 'expansion.bin'));
  expect(plan.expansion).toEqual({
    sha256: createHash('sha256').update(file).digest('hex'),
    rows: 4096,
    rank: 16,
  });
  const { weight, bias } = await server.client.expansion(plan);
  expect([weight.length, bias.length]).toEqual([4096 * 16, 4096]);
  expect(weight[5]).toBe(file.readFloatLE(20));
  const expansion = { sha256: 'ab'.repeat(32), rows: 4096, rank: 16 };
  await expect(server.client.expansion({ ...plan, expansion })).rejects.toMatchObject({
    code: status.NOT_FOUND,
    violations: [{ field: 'sha256' }],
  });
});

describe('with a bundle of before', () => {
  let directory: string;
  let before: ServerProcess;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'logah-core-'));
    await cp(BUNDLE, directory, { recursive: true });
    await rm(join(directory, 'expansion.bin'));
    const path = join(directory, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as { files: Record<string, unknown> };
    delete manifest.files['expansion.bin'];
    await writeFile(path, JSON.stringify(manifest));
    before = await startServer({ models: directory });
  });

  afterAll(async () => {
    await before.stop();
    await rm(directory, { recursive: true });
  });

  it('factors are sent in the place of cores, with the same bits', async () => {
    const plan = await before.client.plan(request());
    expect(plan.totalBytes).toBe(plan.factorBytes);
    expect(plan.coreBytes).toBe(plan.factorBytes);
    expect(plan.expansion).toBeNull();
    expect(plan.tensors.some(({ factors }) => factors.length > 0)).toBe(true);
    const cores = await predictAll(before.client, request());
    const factors = await predictAll(server.client, request({ representation: 'REPRESENTATION_FACTORS' }));
    expect(cores.data.equals(factors.data)).toBe(true);
  });
});
