/** What is filled by rule, as cores over a real port: every rule has the bits of the dense prediction. */

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatGraphJson } from '../../src/architecture/graph-json';
import type { ArchitectureGraph } from '../../src/gen/logah/v1/ArchitectureGraph';
import type { Block } from '../../src/gen/logah/v1/Block';
import type { Initialization } from '../../src/gen/logah/v1/Initialization';
import type { Parameter } from '../../src/gen/logah/v1/Parameter';
import { BUNDLE } from '../support/parity-fixtures';
import { savedData } from '../support/saved';
import { startServer, type ServerProcess } from '../support/server-process';
import { copyAsStd } from '../support/std-bundle';

const SHIPPED = join(__dirname, '../../models/logah-tiny-gpt2-kjv');
const MODELS = ['logah-tiny-gpt2-kjv', 'parity-logah', 'parity-logah-std'] as const;

const RULES: Record<string, Initialization> = {
  normal: { rule: 'RULE_NORMAL', standardDeviation: 0.02 },
  narrow: { rule: 'RULE_TRUNCATED_NORMAL', standardDeviation: 0.9 },
  wide: { rule: 'RULE_TRUNCATED_NORMAL', standardDeviation: 3 },
  uniform: { rule: 'RULE_UNIFORM', bound: 0.3 },
  shifted: { rule: 'RULE_SHIFTED_NORMAL', mean: 1.5, standardDeviation: 0.1 },
  bounded: { rule: 'RULE_BOUNDED_NORMAL', mean: 0.1, standardDeviation: 0.5, lower: -1, upper: 1.2 },
  tail: { rule: 'RULE_BOUNDED_NORMAL', mean: 0, standardDeviation: 1, lower: 3, upper: 40 },
  below: { rule: 'RULE_BOUNDED_NORMAL', mean: 0, standardDeviation: 1, lower: -9, upper: -2 },
  sliver: { rule: 'RULE_BOUNDED_NORMAL', mean: 0, standardDeviation: 1, lower: 0.5, upper: 0.75 },
  mean: { rule: 'RULE_BOUNDED_NORMAL', mean: 0.7, standardDeviation: 0, lower: 0, upper: 1 },
  between: { rule: 'RULE_UNIFORM_BETWEEN', lower: 1, upper: 16, function: 'FUNCTION_LOG' },
  time: {
    rule: 'RULE_LOG_UNIFORM',
    lower: 0.001,
    upper: 0.1,
    least: 0.0015,
    function: 'FUNCTION_INVERSE_SOFTPLUS',
  },
  sequence: { rule: 'RULE_SEQUENCE', start: 1, step: 1, function: 'FUNCTION_LOG' },
  identity: { rule: 'RULE_IDENTITY' },
  sinusoids: { rule: 'RULE_SINUSOIDS', start: 0, base: 10000, divisor: 8 },
  ones: { rule: 'RULE_ONES' },
};

const matrix = (length: number): Block => ({ length, prediction: { node: 1, role: 'ROLE_MATRIX' } });
const drawn = (length: number, rule: string): Block => ({ length, initialization: RULES[rule] ?? null });

/** Each rule alone, in kernels, in rows of more elements than a tile has, below and beside what is predicted. */
const PARAMETERS: Parameter[] = [
  ...Object.keys(RULES).map((name) => ({ name, shape: [24, 16], blocks: [drawn(24, name)] })),
  ...['normal', 'identity', 'uniform'].map((name) => ({
    name: `${name}.kernel`,
    shape: [4, 6, 3, 3],
    blocks: [drawn(4, name)],
  })),
  { name: 'huge', shape: [3, 2, 700, 1000], blocks: [drawn(3, 'normal')] },
  { name: 'huge.joined', shape: [2, 3, 400, 1000], axis: 1, blocks: [drawn(1, 'ones'), drawn(2, 'wide')] },
  { name: 'under', shape: [40, 16], blocks: [drawn(16, 'wide'), matrix(24)] },
  { name: 'beside', shape: [24, 40], axis: 1, blocks: [matrix(16), drawn(24, 'shifted')] },
  { name: 'experts', shape: [4, 24, 16], view: [96, 16], repetitions: 4, blocks: [matrix(24)] },
  { name: 'transposed', shape: [16, 24], layout: { order: [1, 0], shape: [24, 16] }, blocks: [matrix(16)] },
  { name: 'scalar', shape: [], blocks: [drawn(1, 'normal')] },
];

const GRAPH: ArchitectureGraph = {
  nodes: [
    { name: 'input', operation: 'input' },
    { name: 'layer', operation: 'conv', shape: [24, 16] },
  ],
  edges: [{ source: 0, target: 1 }],
  parameters: PARAMETERS,
};

let directory: string;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logah-core-rules-'));
  process.env.XDG_CACHE_HOME = directory;
  await cp(SHIPPED, join(directory, 'models', MODELS[0]), { recursive: true });
  await cp(BUNDLE, join(directory, 'models', MODELS[1]), { recursive: true });
  await copyAsStd(BUNDLE, join(directory, 'models', MODELS[2]), MODELS[2]);
  server = await startServer({ models: join(directory, 'models') });
});

afterAll(async () => {
  delete process.env.XDG_CACHE_HOME;
  await server.stop();
  await rm(directory, { recursive: true });
});

describe.each(MODELS)('by %s', (model) => {
  it.each([
    ['0', 'f32'],
    ['0', 'bf16'],
    ['0.5', 'f32'],
    ['0.5', 'f16'],
  ])('cores with a lift of %s in %s become the bits of the dense', async (lift, dtype) => {
    const file = join(directory, 'graph.json');
    await writeFile(file, formatGraphJson(GRAPH));
    const flags = ['--server', server.address, '--model', model, '--seed', '11', '--dtype', dtype];
    if (lift !== '0') flags.push('--lift', lift);
    const dense = await savedData(file, flags);
    const expanded = await savedData(file, [...flags, '--representation', 'core']);
    expect(expanded.equals(dense)).toBe(true);
  });

  it('what is drawn takes the bytes of a key, however large it is', async () => {
    const sent = await server.client.plan({
      architecture: { graph: GRAPH },
      model,
      representation: 'REPRESENTATION_CORE',
    });
    const bytes = ['huge', 'normal', 'huge.joined'].map(
      (wanted) => sent.tensors.find(({ name }) => name === wanted)?.bytes,
    );
    // Of the one that is joined, one block in two places of each kind.
    expect(bytes).toEqual([8, 8, 24]);
  });
});
