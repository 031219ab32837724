import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { ArchitectureGraph, Block, GraphNode, Parameter, Role } from '../../src/graph/graph';
import { openBundle } from '../../src/hypernet/bundle';
import type { HypernetConfig } from '../../src/hypernet/manifest';
import { DecodePool } from '../../src/decode/decode-pool';
import { planPrediction, type PredictionPlan } from '../../src/plan/plan';
import type { PlannedTensor } from '../../src/plan/planned-tensor';
import { streamKey } from '../../src/random/random';
import { NameSelection } from '../../src/plan/selection';
import { Slicing } from '../../src/plan/slicing';
import { partsOf } from '../../src/stream/tile-jobs';
import { linearGraph, predictedBlock } from '../graph/sample-graphs';
import { BUNDLE, GHN3_BUNDLE } from '../support/parity-fixtures';

/**
 * That the bits of an element do not depend on the tile that it is decoded in is, of models above rank 64, a property of ONNX
 * Runtime's matrix product that nobody has promised: another release or processor may change it.
 */

const TRAINED = join(__dirname, '..', '..', 'models', 'logah-tiny-vit-fashion');
const BUNDLES: readonly (readonly [HypernetConfig['normalization'], string, products: 'own' | 'runtime'])[] =
  [
    ['fan_in', BUNDLE, 'own'],
    ['fan_in', BUNDLE, 'runtime'],
    ['std', BUNDLE, 'own'],
    ['fan_in', GHN3_BUNDLE, 'own'],
    ...(existsSync(TRAINED) ? [['fan_in', TRAINED, 'own'] as const] : []),
  ];

const never = new AbortController().signal;

interface Sample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role?: Role;
  readonly nodeShape?: readonly number[];
  /** Fused in three along this axis. */
  readonly axis?: number;
}

/** Of every kind of recipe, with dimensions below and beyond max_shape, single rows and single columns. */
const SAMPLES: readonly Sample[] = [
  { name: 'square', shape: [96, 96] },
  { name: 'large', shape: [1000, 800] },
  { name: 'a single row', shape: [1, 300] },
  { name: 'two rows', shape: [2, 300] },
  { name: 'a single column', shape: [301, 1] },
  { name: 'two elements', shape: [1, 2] },
  { name: 'fused rows', shape: [288, 96], axis: 0 },
  { name: 'fused columns', shape: [96, 288], axis: 1 },
  { name: 'kernel', shape: [70, 40, 3, 5] },
  { name: 'depthwise', shape: [300, 1, 3, 3] },
  { name: 'positions', shape: [1, 51, 96], nodeShape: [1, 96, 7, 7] },
  { name: 'embedding', shape: [500, 64], role: 'embedding' },
  { name: 'norm', shape: [300], role: 'norm_weight' },
  { name: 'bias', shape: [300], role: 'bias' },
];

const NOISE: Parameter = {
  name: 'noise',
  shape: [37, 11],
  axis: 0,
  blocks: [
    { length: 17, origin: { kind: 'initialization', rule: 'truncated_normal', standardDeviation: 0.5 } },
    { length: 20, origin: { kind: 'initialization', rule: 'uniform', bound: 0.5 } },
  ],
  tiedTo: undefined,
};

function parameterOf({ name, shape, role = 'matrix', axis }: Sample, node: number): Parameter {
  const size = shape[axis ?? 0] ?? 1;
  const blocks: Block[] =
    axis === undefined
      ? [predictedBlock(size, node, role)]
      : [0, 1, 2].map((slot) => predictedBlock(size / 3, node, role, slot));
  return { name, shape, axis: axis ?? 0, blocks, tiedTo: undefined };
}

const GRAPH: ArchitectureGraph = linearGraph({
  nodes: [
    { name: 'input', operation: 'input', shape: [] },
    ...SAMPLES.map(({ name, shape, nodeShape = shape }): GraphNode => ({
      name,
      operation: 'conv',
      shape: nodeShape,
    })),
  ],
  edges: SAMPLES.map((_, index) => ({ source: index, target: index + 1 })),
  parameters: [...SAMPLES.map((sample, index) => parameterOf(sample, index + 1)), NOISE],
});

describe.each(BUNDLES)('an element, normalised by %s, of %s', (normalization, directory, products) => {
  let pool: DecodePool;
  let plan: PredictionPlan;
  let embeddings: Float32Array;

  beforeAll(async () => {
    const found = await openBundle(directory);
    const { manifest } = found;
    const bundle = {
      ...found,
      manifest: { ...manifest, hypernet: { ...manifest.hypernet, normalization } },
    };
    const setup = {
      bundles: [bundle],
      placement: { provider: 'cpu', runtimeProducts: products === 'runtime' } as const,
    };
    pool = await DecodePool.start([setup, setup], () => undefined);
    plan = planPrediction(GRAPH, bundle, {
      seed: 3,
      elementType: 'f32',
      selection: NameSelection.all,
      slicing: Slicing.whole,
      representation: 'dense',
      strength: 1,
      lift: 0,
      base: 0,
      strict: false,
    });
    embeddings = await pool.encode(bundle.fingerprint, GRAPH, never);
  });

  afterAll(async () => {
    await pool.close();
  });

  /** Rows of a tensor, decoded as one tile. */
  async function decode(tensor: PlannedTensor, row: number, rows: number): Promise<Buffer> {
    const { columns } = tensor.view;
    const { fingerprint, manifest } = plan.bundle;
    const { hypernet } = manifest;
    const buffer = new SharedArrayBuffer(rows * columns * 4);
    await pool.decode(
      {
        kind: 'fill',
        model: fingerprint,
        requestKey: 'tile invariance',
        items: [
          {
            at: 0,
            kind: 'tile',
            stream: streamKey(plan.seed, tensor.name),
            elementType: 'f32',
            rows,
            columns,
            parts: partsOf(tensor, { row, rows }, embeddings, hypernet.hid),
            wanted: { runs: tensor.runs, first: row * columns },
          },
        ],
        buffer,
      },
      never,
    );
    return Buffer.from(new Uint8Array(buffer));
  }

  /** The whole tensor from tiles that begin at the rows given, and at 0. */
  async function decodeFrom(tensor: PlannedTensor, cuts: readonly number[]): Promise<Buffer> {
    const bounds = [...new Set([0, ...cuts, tensor.view.rows])].sort((a, b) => a - b);
    const tiles = bounds
      .slice(0, -1)
      .map((row, index) => decode(tensor, row, (bounds[index + 1] ?? row) - row));
    return Buffer.concat(await Promise.all(tiles));
  }

  it.each([...SAMPLES.map(({ name }) => name), 'noise'])(
    'has the same bits in tiles of any rows: %s',
    async (name) => {
      const tensor = plan.tensors.find((candidate) => candidate.name === name);
      if (tensor === undefined) throw new Error(`no tensor ${name}`);
      const { rows } = tensor.view;
      const whole = await decode(tensor, 0, rows);
      const row = fc.integer({ min: 0, max: rows - 1 });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 6 }), async (cuts) => {
          expect((await decodeFrom(tensor, cuts)).equals(whole)).toBe(true);
        }),
        { numRuns: 8 },
      );
      // Lone rows at both ends and amid.
      const lone = [1, Math.floor(rows / 2), Math.floor(rows / 2) + 1, rows - 1].filter((cut) => cut < rows);
      expect((await decodeFrom(tensor, lone)).equals(whole)).toBe(true);
      expect(new Float32Array(Uint8Array.from(whole).buffer).every(Number.isFinite)).toBe(true);
    },
  );
});
