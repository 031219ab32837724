/** Slices, shards and resumed streams over a real port: always the bytes of the whole prediction. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { connect, type LogahClient, type TensorPlan } from '../../src/client';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';

const BUNDLE = join(__dirname, '../fixtures/parity/bundle');
/** By normalisation: one whose scales do not depend on the values, and one whose scales are those of whole tensors. */
const MODELS = { fan_in: 'parity-logah', std: 'parity-logah-std' } as const;
const SEED = 5;

/** Fused and split projections, tiling in both dimensions, a class token and position rows, kernels, tied weights. */
const NETWORKS: Readonly<Record<string, object>> = {
  vit: {
    model_type: 'vit',
    hidden_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    intermediate_size: 384,
    image_size: 32,
    patch_size: 4,
  },
  gpt2: { model_type: 'gpt2', n_embd: 96, n_layer: 1, n_head: 3, vocab_size: 20_011, n_positions: 64 },
};

const VIT: PredictRequest = {
  architecture: { transformersConfig: Buffer.from(JSON.stringify(NETWORKS.vit)) },
  model: MODELS.fan_in,
  seed: SEED,
};

interface Answer {
  readonly tensors: readonly TensorPlan[];
  readonly data: Buffer;
}

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-slices-'));
  await cp(BUNDLE, join(directory, MODELS.fan_in), { recursive: true });
  await copyAsStd(BUNDLE, join(directory, MODELS.std), MODELS.std);
  server = await startServer({ models: directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

async function predict(client: LogahClient, request: PredictRequest): Promise<Answer> {
  const parts: Buffer[] = [];
  let tensors: readonly TensorPlan[] = [];
  for await (const event of client.predict(request)) {
    if (event.kind === 'plan') tensors = event.plan.tensors.filter(({ sent }) => sent);
    if (event.kind === 'data') parts.push(Buffer.from(event.data));
  }
  return { tensors, data: Buffer.concat(parts) };
}

/** The bytes of a box of a tensor of the whole answer. */
function cut(whole: Answer, { name, sentStart, sentShape }: TensorPlan): Buffer {
  const tensor = whole.tensors.find((other) => other.name === name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  const runs: Buffer[] = [];
  const visit = (dimension: number, index: number): void => {
    const size = tensor.shape[dimension] ?? 1;
    const start = sentStart[dimension] ?? 0;
    const count = sentShape[dimension] ?? 1;
    if (dimension >= tensor.shape.length - 1) {
      const first = tensor.offset + (index * size + start) * 4;
      runs.push(whole.data.subarray(first, first + count * 4));
      return;
    }
    for (let at = start; at < start + count; at++) visit(dimension + 1, index * size + at);
  };
  visit(0, 0);
  return Buffer.concat(runs);
}

function differences(whole: Answer, part: Answer): string[] {
  return part.tensors
    .filter((tensor) => {
      const bytes = part.data.subarray(tensor.offset, tensor.offset + tensor.bytes);
      return !cut(whole, tensor).equals(bytes);
    })
    .map(({ name }) => name);
}

describe.each(
  Object.keys(NETWORKS).flatMap((network) => Object.values(MODELS).map((model) => ({ network, model }))),
)('of a $network by $model', ({ network, model }) => {
  let whole: Answer;
  const transformersConfig = Buffer.from(JSON.stringify(NETWORKS[network]));
  const request: PredictRequest = { architecture: { transformersConfig }, model, seed: SEED };

  beforeAll(async () => {
    whole = await predict(server.client, request);
  });

  it.each([1, 2, 3, 4, 7])('%i shards are together the whole prediction, bit for bit', async (count) => {
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      const shard = await predict(server.client, { ...request, shard: { index, count } });
      expect(differences(whole, shard)).toEqual([]);
      bytes += shard.data.length;
    }
    expect(bytes).toBe(whole.data.length);
  });

  it('slices of rows and columns hold the bits of the whole tensors', async () => {
    for (const part of [0.13, 0.5, 0.97]) {
      const slices = whole.tensors.map(({ name, shape }) => {
        const leading = shape.slice(0, 2);
        const start = leading.map((size) => Math.min(size - 1, Math.floor(size * part)));
        return { name, start, end: leading.map((size, at) => Math.max((start[at] ?? 0) + 1, size - 1)) };
      });
      const sliced = await predict(server.client, { ...request, slices });
      expect(sliced.tensors).toHaveLength(whole.tensors.length);
      expect(differences(whole, sliced)).toEqual([]);
    }
  });

  it('a single row is the row of the whole tensor', async () => {
    const matrices = whole.tensors.filter(({ shape }) => shape.length === 2);
    const slices = matrices.map(({ name, shape }) => ({
      name,
      start: [(shape[0] ?? 1) - 1],
      end: [shape[0] ?? 1],
    }));
    expect(differences(whole, await predict(server.client, { ...request, slices }))).toEqual([]);
  });

  it('a stream resumes at any byte with the bytes that follow', async () => {
    const fingerprint = (await server.client.plan(request)).fingerprint;
    const total = whole.data.length;
    for (const offset of [0, 1, 4097, Math.floor(total / 2), total - 3, total]) {
      const parts: Buffer[] = [];
      const call = server.stub.Predict({ ...request, resume: { fingerprint, offset } });
      for await (const message of call) {
        const { chunk } = message as { chunk?: { offset: number; data: Buffer } };
        if (!chunk) continue;
        expect(chunk.offset).toBe(offset + parts.reduce((sum, part) => sum + part.length, 0));
        parts.push(chunk.data);
      }
      expect(Buffer.concat(parts).equals(whole.data.subarray(offset))).toBe(true);
    }
  });
});

it('a request with another shard has another fingerprint', async () => {
  const plans = await Promise.all(
    [0, 1].map((index) => server.client.plan({ ...VIT, shard: { index, count: 2 } })),
  );
  expect(plans[0]?.fingerprint).not.toBe(plans[1]?.fingerprint);
});

it('a stream of another plan cannot be resumed', async () => {
  const request = { ...VIT, resume: { fingerprint: 'ab'.repeat(32), offset: 1 } };
  await expect(predict(server.client, request)).rejects.toMatchObject({ kind: 'failed_precondition' });
});

it.each<NodeJS.Signals>(['SIGKILL', 'SIGTERM'])(
  'a client goes on at the next server when %s ends the first amid its stream',
  async (signal) => {
    const flags = ['--shutdown-grace-seconds', '0'];
    let current = await startServer({ models: BUNDLE, flags });
    const client = connect(current.address);
    // Some 240 MB, far more than the buffers between server and client hold.
    const large = { ...(NETWORKS.gpt2 ?? {}), n_embd: 768, n_head: 12, n_layer: 12, vocab_size: 50_257 };
    const request = { architecture: { transformersConfig: Buffer.from(JSON.stringify(large)) }, seed: SEED };
    const select = { selection: { patterns: ['transformer.wte.weight', '*.c_fc.weight'] } };
    const expected = await digestsOf(client, { ...request, ...select });
    let killed = false;
    const digests = await digestsOf(client, { ...request, ...select }, async (received) => {
      if (killed || received < 50e6) return;
      killed = true;
      current.kill(signal);
      await current.exit;
      const address = current.address;
      current = await startServer({ models: BUNDLE, flags: [...flags, '--address', address] });
    });
    expect(killed).toBe(true);
    expect(digests).toBe(expected);
    client.close();
    await current.stop();
  },
);

/** CRC-32 of all data of a prediction; `progress` hears of the bytes received so far. */
async function digestsOf(
  client: LogahClient,
  request: PredictRequest,
  progress: (received: number) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  let digest = 0;
  let received = 0;
  for await (const event of client.predict(request)) {
    if (event.kind !== 'data') continue;
    digest = crc32(event.data, digest);
    received += event.data.length;
    await progress(received);
  }
  return digest;
}
