import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { PredictRequest } from '../../src/client';
import { convert } from '../../src/element-type';
import {
  BUNDLE,
  floats,
  GHN3_BUNDLE,
  GHN3_CASE,
  LOGAH_CASE,
  readTensors,
  relativeError,
  type ParityCase,
} from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';

const POSITIONS = 'encoder.pos_embedding';
const CASES = [
  ['LoGAH', LOGAH_CASE],
  ['GHN-3', GHN3_CASE],
] as const;

let models: string;
let server: ServerProcess;

/** What a case asks for. */
function requestOf({ model, graph }: ParityCase, changes: PredictRequest = {}): PredictRequest {
  return { architecture: { graph: graph() }, model, seed: 1, ...changes };
}

const predict = (parity: ParityCase, changes?: PredictRequest): Promise<Predicted> =>
  predictAll(server.client, requestOf(parity, changes));

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'logah-models-'));
  await cp(BUNDLE, join(models, 'logah'), { recursive: true });
  await cp(GHN3_BUNDLE, join(models, 'ghn3'), { recursive: true });
  server = await startServer({ models, flags: ['--workers', '2'] });
});

afterAll(async () => {
  await server.stop();
  await rm(models, { recursive: true });
});

describe.each(CASES)('the prediction of %s', (_, parity) => {
  let whole: Predicted;

  beforeAll(async () => {
    whole = await predict(parity, { sha256: true });
  });

  it('is what was predicted elsewhere, tensor by tensor', async () => {
    const expected = await readTensors(parity.expected);
    const compared = whole.plan.tensors.filter(({ name }) => name !== 'class_token');
    for (const { name, shape } of compared) {
      // The class token's position is noise.
      const skipped = name === POSITIONS ? (shape[2] ?? 0) : 0;
      const actual = floats(whole.tensor(name)).subarray(skipped);
      const error = relativeError(actual, expected.get(name)?.subarray(skipped) ?? new Float32Array(0));
      expect({ name, right: error < 1e-5 }).toEqual({ name, right: true });
    }
    expect(compared.length).toBeGreaterThan(25);
  });

  it('has the digests of its bytes, in the order of the plan', () => {
    expect(whole.summary.digests).toEqual(
      whole.plan.tensors.map(({ name }) => ({
        name,
        crc32: crc32(whole.tensor(name)),
        sha256: createHash('sha256').update(whole.tensor(name)).digest(),
      })),
    );
    expect(whole.summary.totalBytes).toBe(whole.data.length);
  });

  it('has the same bytes again, in chunks of any size, and from two workers at a time', async () => {
    const sizes = [4096, 65_537, 1 << 20, 4 << 20];
    const repeated = await Promise.all([0, ...sizes].map((chunkBytes) => predict(parity, { chunkBytes })));
    for (const [index, { data, chunks, plan }] of repeated.entries()) {
      const chunkBytes = [1 << 20, ...sizes][index] ?? 0;
      expect(data.equals(whole.data)).toBe(true);
      expect(plan).toEqual(whole.plan);
      expect(chunks.slice(0, -1).every((length) => length === chunkBytes)).toBe(true);
      expect(chunks.at(-1)).toBeLessThanOrEqual(chunkBytes);
    }
  });

  it.each([
    ['f16', 'DATA_TYPE_FLOAT16'],
    ['bf16', 'DATA_TYPE_BFLOAT16'],
  ] as const)('in %s is the float32 prediction, converted', async (type, dtype) => {
    const narrow = await predict(parity, { dtype });
    const converted = new Uint16Array(whole.data.length / 4);
    convert(floats(whole.data), converted, type);
    expect(Buffer.from(converted.buffer).equals(narrow.data)).toBe(true);
    expect(narrow.plan.fingerprint).not.toBe(whole.plan.fingerprint);
  });

  it('changes with the seed exactly where tensors are initialised', async () => {
    const other = await predict(parity, { seed: 2 });
    const changed = whole.plan.tensors.filter(({ name }) => !whole.tensor(name).equals(other.tensor(name)));
    // The class token is filled with zeros here, and the position of it with noise.
    expect(changed.map(({ name }) => name)).toEqual([POSITIONS]);
    const width = (changed[0]?.shape[2] ?? 0) * 4;
    const rest = (predicted: Predicted): Buffer => predicted.tensor(POSITIONS).subarray(width);
    expect(rest(other).equals(rest(whole))).toBe(true);
    const untouched = whole.plan.tensors.filter(({ initializedElements }) => initializedElements > 0);
    expect(untouched.map(({ name }) => name)).toEqual(['class_token', POSITIONS]);
  });

  it('of selected tensors has their very bytes', async () => {
    const part = await predict(parity, { selection: { patterns: ['*.bias', '?lass_token'] } });
    const sent = part.plan.tensors.filter(({ sent }) => sent).map(({ name }) => name);
    expect(sent).toEqual(
      whole.plan.tensors.map(({ name }) => name).filter((name) => /(^class_token|\.bias)$/.test(name)),
    );
    for (const name of sent) expect(part.tensor(name).equals(whole.tensor(name))).toBe(true);
    expect(part.data.length).toBe(sent.reduce((sum, name) => sum + whole.tensor(name).length, 0));
  });

  it('begins with the plan that Plan answers', async () => {
    expect(await server.client.plan(requestOf(parity))).toEqual(whole.plan);
  });
});

it('is the same from another replica with one worker and one tile ahead', async () => {
  const replica = await startServer({ models, flags: ['--workers', '1', '--tiles-ahead', '1'] });
  for (const [, parity] of CASES) {
    const [one, other] = [await predict(parity), await predictAll(replica.client, requestOf(parity))];
    expect(other.data.equals(one.data)).toBe(true);
    expect(other.plan).toEqual(one.plan);
  }
  await replica.stop();
});

it('keeps streams apart that run at the same time', async () => {
  const seeds = [1, 2, 3, 4, 5, 6];
  const together = await Promise.all(
    seeds.map((seed) => predict(seed % 2 ? LOGAH_CASE : GHN3_CASE, { seed, chunkBytes: 4096 })),
  );
  for (const [index, seed] of seeds.entries()) {
    const alone = await predict(seed % 2 ? LOGAH_CASE : GHN3_CASE, { seed });
    expect(together[index]?.data.equals(alone.data)).toBe(true);
  }
});

it('lists its models', async () => {
  const { models: listed, defaultModel } = await server.client.listModels();
  expect(defaultModel).toBe('parity-ghn3');
  expect(listed.filter(({ builtIn }) => !builtIn)).toMatchObject([
    { name: 'parity-ghn3', decoder: 'dense', rank: 0, parameters: 354116, trainingJson: '' },
    { name: 'parity-logah', decoder: 'low_rank', rank: 16, license: 'MIT', families: [] },
  ]);
});
