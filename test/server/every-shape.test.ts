/** Parameters of every shape over a real port: scalars, empty ones, kernels of three dimensions, experts, huge rows. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  parallelEvents,
  readSafetensor,
  readSafetensorsHeader,
  saveSafetensors,
  type CheckedPlan,
  type PredictionEvent,
  type TensorPlan,
} from '../../src/client';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { Block } from '../../src/gen/logah/v1/Block';
import type { Initialization } from '../../src/gen/logah/v1/Initialization';
import type { Parameter } from '../../src/gen/logah/v1/Parameter';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { formatGraphJson } from '../../src/architecture/graph-json';
import { runCli } from '../cli/run-cli';
import { anyBox, boxOf } from '../support/boxes';
import { BUNDLE, floats, GHN3_BUNDLE } from '../support/parity-fixtures';
import { predictAll, type Predicted } from '../support/predicted';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';

const SHIPPED = join(__dirname, '../../models/logah-tiny-gpt2-kjv');
const MODELS = ['logah-tiny-gpt2-kjv', 'parity-logah', 'parity-logah-std', 'parity-ghn3'] as const;
const SEED = 7;

const NODES = [
  { name: 'input', operation: 'input' },
  { name: 'patch', operation: 'conv', shape: [16, 3, 2, 4, 4] },
  { name: 'patch.bias', operation: 'bias', shape: [16] },
  { name: 'up', operation: 'conv', shape: [24, 16] },
  { name: 'down', operation: 'conv', shape: [16, 24] },
];
const EDGES = [0, 1, 2, 3].map((source) => ({ source, target: source + 1 }));

const matrix = (length: number, node: number, slot = 0): Block => ({
  length,
  prediction: { node, role: 'ROLE_MATRIX', slot },
});
const ruled = (name: string, shape: number[], initialization: Initialization): Parameter => ({
  name,
  shape,
  blocks: [{ length: shape[0] ?? 1, initialization }],
});

/** Rows of 1.4 million elements, more than a tile has. */
const HUGE = [3, 2, 700, 1000];

const PARAMETERS: readonly Parameter[] = [
  { name: 'nothing first', shape: [0] },
  ruled('logit_scale', [], { rule: 'RULE_CONSTANT', value: 2.6592 }),
  { name: 'kept scalar', shape: [], keep: 'KEEP_ALWAYS' },
  { name: 'registers', shape: [1, 0, 16], blocks: [{ length: 1, initialization: { rule: 'RULE_ZEROS' } }] },
  { name: 'patch.weight', shape: [16, 3, 2, 4, 4], blocks: [matrix(16, 1)] },
  { name: 'patch.bias', shape: [16], blocks: [{ length: 16, prediction: { node: 2, role: 'ROLE_BIAS' } }] },
  {
    name: 'experts.gate_up',
    shape: [4, 48, 16],
    view: [192, 16],
    repetitions: 4,
    blocks: [matrix(24, 3), matrix(24, 3, 1)],
  },
  { name: 'experts.down', shape: [4, 16, 24], view: [64, 24], repetitions: 4, blocks: [matrix(16, 4)] },
  { name: 'experts.own', shape: [2, 24, 16], view: [48, 16], blocks: [matrix(24, 3, 1), matrix(24, 3, 2)] },
  ruled('huge', HUGE, { rule: 'RULE_NORMAL', standardDeviation: 0.02 }),
  {
    name: 'huge.joined',
    shape: [2, 3, 400, 1000],
    axis: 1,
    blocks: [
      { length: 1, initialization: { rule: 'RULE_ONES' } },
      { length: 2, initialization: { rule: 'RULE_UNIFORM', bound: 0.5 } },
    ],
  },
  ruled('A_log', [8, 4], { rule: 'RULE_SEQUENCE', start: 1, step: 1, function: 'FUNCTION_LOG' }),
  ruled('six', [2, 3, 2, 2, 2, 2], { rule: 'RULE_UNIFORM_BETWEEN', lower: 1, upper: 3 }),
  { name: 'frozen', shape: [5, 5], keep: 'KEEP_ALWAYS' },
  { ...ruled('left', [5], { rule: 'RULE_ZEROS' }), keep: 'KEEP_UNLESS_PREDICTED' },
  { name: 'again', shape: [], tiedTo: 'logit_scale' },
  { name: 'nothing last', shape: [2, 0] },
];

const graph = (parameters: readonly Parameter[]): ArchitectureGraph => ({
  nodes: NODES,
  edges: EDGES,
  parameters: [...parameters],
});
const request = (model: string, parameters = PARAMETERS): PredictRequest => ({
  architecture: { graph: graph(parameters) },
  model,
  seed: SEED,
});

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-shapes-'));
  process.env.XDG_CACHE_HOME = directory;
  await cp(SHIPPED, join(directory, 'models', MODELS[0]), { recursive: true });
  await cp(BUNDLE, join(directory, 'models', MODELS[1]), { recursive: true });
  await copyAsStd(BUNDLE, join(directory, 'models', MODELS[2]), MODELS[2]);
  await cp(GHN3_BUNDLE, join(directory, 'models', MODELS[3]), { recursive: true });
  server = await startServer({ models: join(directory, 'models') });
});

afterAll(async () => {
  delete process.env.XDG_CACHE_HOME;
  await server.stop();
  await rm(directory, { recursive: true });
});

/** All data by position, in whatever order it comes. */
async function collected(
  events: AsyncIterable<PredictionEvent>,
): Promise<{ plan: CheckedPlan; data: Buffer; digests: number }> {
  let plan: CheckedPlan | undefined;
  let data = Buffer.alloc(0);
  let digests = 0;
  for await (const event of events) {
    if (event.kind === 'plan') {
      plan = event.plan;
      data = Buffer.alloc(plan.totalBytes);
    } else if (event.kind === 'data') event.data.copy(data, event.offset);
    else digests = event.summary.digests.length;
  }
  if (plan === undefined) throw new Error('no plan came');
  return { plan, data, digests };
}

const tensorOf = ({ plan }: Predicted, name: string): TensorPlan => {
  const tensor = plan.tensors.find((candidate) => candidate.name === name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensor;
};

describe.each(MODELS)('by %s', (model) => {
  let whole: Predicted;

  beforeAll(async () => {
    whole = await predictAll(server.client, request(model));
  });

  it('a plan accounts for every parameter, whatever its shape', () => {
    const sources = whole.plan.tensors.map(({ name, source, sent, bytes }) => [name, source, sent, bytes]);
    expect(sources).toEqual([
      ['nothing first', 'SOURCE_INITIALIZED', true, 0],
      ['logit_scale', 'SOURCE_INITIALIZED', true, 4],
      ['kept scalar', 'SOURCE_KEPT', false, 0],
      ['registers', 'SOURCE_INITIALIZED', true, 0],
      ['patch.weight', 'SOURCE_PREDICTED', true, 16 * 96 * 4],
      ['patch.bias', 'SOURCE_PREDICTED', true, 64],
      ['experts.gate_up', 'SOURCE_TILED', true, 4 * 48 * 16 * 4],
      ['experts.down', 'SOURCE_TILED', true, 4 * 16 * 24 * 4],
      ['experts.own', model === 'parity-ghn3' ? 'SOURCE_TILED' : 'SOURCE_PREDICTED', true, 2 * 24 * 16 * 4],
      ['huge', 'SOURCE_INITIALIZED', true, 4_200_000 * 4],
      ['huge.joined', 'SOURCE_INITIALIZED', true, 2_400_000 * 4],
      ['A_log', 'SOURCE_INITIALIZED', true, 32 * 4],
      ['six', 'SOURCE_INITIALIZED', true, 96 * 4],
      ['frozen', 'SOURCE_KEPT', false, 0],
      ['left', 'SOURCE_KEPT', false, 0],
      ['again', 'SOURCE_TIED', false, 0],
      ['nothing last', 'SOURCE_INITIALIZED', true, 0],
    ]);
    expect(whole.plan.coverage).toMatchObject({ kept: 1 + 25 + 5, tied: 1 });
    for (const name of ['experts.gate_up', 'experts.down']) {
      const { shape, predictedElements, tiledElements } = tensorOf(whole, name);
      const elements = shape.reduce((product, size) => product * size, 1);
      expect(predictedElements).toBe(elements);
      // All but the first expert, and what of that exceeds the decoder's largest.
      expect(tiledElements).toBeGreaterThanOrEqual((elements * 3) / 4);
    }
  });

  it('scalars and rules have their values', () => {
    expect(floats(whole.tensor('logit_scale'))).toEqual(Float32Array.of(2.6592));
    const logs = Float32Array.from({ length: 32 }, (_, index) => Math.log(1 + (index % 4)));
    expect(floats(whole.tensor('A_log'))).toEqual(logs);
    const huge = floats(whole.tensor('huge'));
    const deviation = Math.sqrt(huge.reduce((sum, value) => sum + value * value, 0) / huge.length);
    expect(deviation).toBeCloseTo(0.02, 4);
    const joined = floats(whole.tensor('huge.joined'));
    const plane = 400_000;
    const isOnes = [0, 1, 2, 3, 4, 5].map((at) =>
      joined.subarray(at * plane, (at + 1) * plane).every((value) => value === 1),
    );
    expect(isOnes).toEqual([true, false, false, true, false, false]);
  });

  it('a kernel of three dimensions has the bits of the one with its depth among the input channels', async () => {
    const folded = await predictAll(
      server.client,
      request(model, [{ name: 'patch.weight', shape: [16, 6, 4, 4], blocks: [matrix(16, 1)] }]),
    );
    expect(whole.tensor('patch.weight').equals(folded.tensor('patch.weight'))).toBe(true);
  });

  it('every expert has the bits of the matrix that its node and slot predict alone', async () => {
    const single = await predictAll(
      server.client,
      request(model, [
        { name: 'gate_up', shape: [48, 16], blocks: [matrix(24, 3), matrix(24, 3, 1)] },
        { name: 'down', shape: [16, 24], blocks: [matrix(16, 4)] },
      ]),
    );
    for (const [experts, alone] of [
      ['experts.gate_up', 'gate_up'],
      ['experts.down', 'down'],
    ] as const) {
      const copies = Buffer.concat([0, 1, 2, 3].map(() => single.tensor(alone)));
      expect(whole.tensor(experts).equals(copies)).toBe(true);
    }
  });

  it('a lift makes each expert another', async () => {
    const lifted = await predictAll(server.client, { ...request(model), lift: 0.1 });
    const bytes = lifted.tensor('experts.down');
    const experts = [0, 1, 2, 3].map((at) => bytes.subarray(1536 * at, 1536 * (at + 1)).toString('hex'));
    expect(new Set(experts).size).toBe(4);
  });

  it.each([1, 2, 3, 5])('%i shards are together the whole prediction', async (count) => {
    const small = request(
      model,
      PARAMETERS.filter(({ name }) => name !== 'huge'),
    );
    const all = await predictAll(server.client, small);
    const sent = new Map<string, Buffer[]>();
    for (let index = 0; index < count; index++) {
      const shard = await predictAll(server.client, { ...small, shard: { index, count } });
      for (const { name, sent: isSent } of shard.plan.tensors) {
        if (isSent) sent.set(name, [...(sent.get(name) ?? []), shard.tensor(name)]);
      }
    }
    for (const { name, sent: isSent } of all.plan.tensors) {
      if (isSent)
        expect([name, Buffer.concat(sent.get(name) ?? []).equals(all.tensor(name))]).toEqual([name, true]);
    }
  });

  it('slices of up to two dimensions hold the elements of the whole', async () => {
    const sliceable = whole.plan.tensors.filter(
      ({ sent, shape, name }) => sent && shape.length > 0 && !shape.includes(0) && !name.startsWith('huge'),
    );
    await fc.assert(
      fc.asyncProperty(anyBox(sliceable), async (slice) => {
        const sliced = await predictAll(server.client, {
          ...request(model),
          selection: { patterns: [slice.name] },
          slices: [slice],
        });
        const expected = boxOf(whole, tensorOf(sliced, slice.name));
        expect([...floats(sliced.tensor(slice.name))]).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('slices of rows longer than a tile hold the elements of the whole', async () => {
    for (const [name, start, end] of [
      ['huge', [1, 1], [3, 2]],
      ['huge.joined', [0, 1], [2, 2]],
    ] as const) {
      const sliced = await predictAll(server.client, {
        ...request(model),
        selection: { patterns: [name] },
        slices: [{ name, start: [...start], end: [...end] }],
      });
      const plane = name === 'huge' ? 700_000 : 400_000;
      const [, planes = 1] = tensorOf(whole, name).shape;
      const rows = Array.from({ length: end[0] - start[0] }, (_, row) => {
        const first = ((start[0] + row) * planes + start[1]) * plane * 4;
        return whole.tensor(name).subarray(first, first + (end[1] - start[1]) * plane * 4);
      });
      expect(sliced.tensor(name).equals(Buffer.concat(rows))).toBe(true);
    }
  });

  it.each(['factors', 'core'])('%s expand to the bits of the dense prediction', async (representation) => {
    const out = join(directory, `${model}-${representation}`);
    const file = join(directory, 'graph.json');
    await writeFile(file, formatGraphJson(graph(PARAMETERS)));
    const flags = ['--model', model, '--seed', `${SEED}`, '--representation', representation];
    const run = await runCli('predict', file, '--out', out, '--server', server.address, ...flags);
    expect(run).toMatchObject({ code: 0 });
    const written = await readFile(join(out, 'model.safetensors'));
    const { tensors, dataStart } = await readSafetensorsHeader(join(out, 'model.safetensors'));
    expect(written.subarray(dataStart).equals(whole.data)).toBe(true);
    expect([...tensors].map(([name, { shape }]) => [name, ...shape])).toEqual(
      expect.arrayContaining(
        whole.plan.tensors.filter(({ sent }) => sent).map(({ name, shape }) => [name, ...shape]),
      ),
    );
  });

  it('streams beside each other bring every byte and every digest', async () => {
    const parts = await collected(parallelEvents([server.client], request(model), 3));
    expect(parts.data.equals(whole.data)).toBe(true);
    expect(parts.digests).toBe(whole.summary.digests.length);
  });

  it('a stream resumes where an empty tensor lies, with the bytes that follow', async () => {
    const { fingerprint } = whole.plan;
    for (const offset of [0, 4, whole.data.length]) {
      const data: Buffer[] = [];
      for await (const message of server.stub.Predict({
        ...request(model),
        resume: { fingerprint, offset },
      })) {
        const { chunk } = message as { chunk?: { data: Buffer } };
        if (chunk) data.push(chunk.data);
      }
      expect(Buffer.concat(data).equals(whole.data.subarray(offset))).toBe(true);
    }
  });
});

it('a safetensors file has scalars and empty tensors, and not what is kept', async () => {
  const path = join(directory, 'every.safetensors');
  const small = request(
    MODELS[0],
    PARAMETERS.filter(({ name }) => name?.startsWith('huge') !== true),
  );
  await saveSafetensors(server.client.predict(small), path, { seed: SEED });
  const { tensors } = await readSafetensorsHeader(path);
  expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(
    expect.arrayContaining([
      ['nothing first', [0]],
      ['logit_scale', []],
      ['registers', [1, 0, 16]],
      ['patch.weight', [16, 3, 2, 4, 4]],
      ['nothing last', [2, 0]],
    ]),
  );
  expect(['kept scalar', 'frozen', 'left', 'again'].filter((name) => tensors.has(name))).toEqual([]);
  expect(floats(await readSafetensor(path, 'logit_scale'))).toEqual(Float32Array.of(2.6592));
  expect(await readSafetensor(path, 'registers')).toHaveLength(0);
});

it('a strict request does not mind what the caller keeps', async () => {
  const kept = PARAMETERS.filter(({ name }) =>
    ['patch.weight', 'patch.bias', 'frozen', 'left'].includes(name ?? ''),
  );
  const plan = await server.client.plan({ ...request(MODELS[0], kept), strict: true });
  expect(plan.coverage).toMatchObject({ kept: 30, initialized: 0 });
});

it('a plan says by part how much is predicted, and warns of those that mostly are not', async () => {
  const parameters: Parameter[] = [
    { name: 'text.up.weight', shape: [24, 16], blocks: [matrix(24, 3)] },
    { name: 'text.down.weight', shape: [16, 24], blocks: [matrix(16, 4)] },
    ruled('vision.weight', [40, 10], { rule: 'RULE_NORMAL', standardDeviation: 0.02 }),
    { name: 'frozen.weight', shape: [20, 10], keep: 'KEEP_ALWAYS' },
  ];
  const { modules, warnings } = await server.client.plan(request(MODELS[0], parameters));
  expect(
    modules.map(({ name, coverage }) => [name, coverage?.predicted, coverage?.initialized, coverage?.kept]),
  ).toEqual([
    ['text.up', 384, 0, 0],
    ['text.down', 384, 0, 0],
    ['vision', 0, 400, 0],
    ['frozen', 0, 0, 200],
  ]);
  expect(warnings.filter(({ kind }) => kind === 'WARNING_KIND_COVERAGE').map(({ text }) => text)).toEqual([
    'vision: 0.0 % of 400 parameters are predicted, 400 are filled by rule',
  ]);
});

it('a network with an operation that the model lacks is predicted but for that', async () => {
  const nodes = [...NODES, { name: 'norm', operation: 'rmsnorm', shape: [16] }];
  const edges = [...EDGES, { source: 4, target: 5 }];
  const parameters: Parameter[] = [
    ...PARAMETERS.slice(4, 6),
    {
      name: 'norm.weight',
      shape: [16],
      blocks: [{ length: 16, prediction: { node: 5, role: 'ROLE_NORM_WEIGHT' } }],
    },
  ];
  const architecture = { graph: { nodes, edges, parameters } };
  const answer = await predictAll(server.client, { architecture, model: 'parity-logah' });
  expect(answer.plan.coverage).toMatchObject({ predicted: 16 * 96 + 16, initialized: 16 });
  expect(floats(answer.tensor('norm.weight'))).toEqual(new Float32Array(16).fill(1));
  expect(answer.plan.warnings.map(({ kind, actual }) => [kind, actual])).toContainEqual([
    'WARNING_KIND_OPERATIONS',
    'rmsnorm (1 node)',
  ]);
});
