import fc from 'fast-check';
import { elementCount, type ArchitectureGraph, type Parameter } from '../../src/graph/graph';
import type { Bundle } from '../../src/hypernet/bundle';
import { planPrediction, type PlanOptions } from '../../src/plan/plan';
import { NameSelection } from '../../src/plan/selection';
import { Slicing } from '../../src/plan/slicing';
import { linearGraph, node, predicted, predictedBlock } from '../graph/sample-graphs';
import { hypernetJson, manifest } from '../support/hypernet-config';

const OPTIONS: PlanOptions = {
  seed: 0,
  elementType: 'f32',
  selection: NameSelection.all,
  slicing: Slicing.whole,
  representation: 'dense',
  strength: 1,
  lift: 0,
  base: 0,
  strict: false,
};

const bundleOf = (changes: Readonly<Record<string, unknown>> = {}): Bundle => ({
  manifest: manifest({ hypernet: hypernetJson(changes) }),
  directory: '/models/tiny',
  fingerprint: 'f'.repeat(64),
  expansion: undefined,
});

const bundle = bundleOf();

const initialized = (name: string, shape: readonly number[]): Parameter => ({
  name,
  shape,
  axis: 0,
  blocks: [
    { length: shape[0] ?? 1, origin: { kind: 'initialization', rule: 'normal', standardDeviation: 1 } },
  ],
  tiedTo: undefined,
});

const tied = (name: string, shape: readonly number[], tiedTo: string): Parameter => ({
  name,
  shape,
  axis: 0,
  blocks: [],
  tiedTo,
});

/** A query, key and value in one matrix. */
const fused = (axis: number, shape: readonly number[]): Parameter => ({
  name: 'qkv',
  shape,
  axis,
  blocks: [0, 1, 2].map((slot) => predictedBlock((shape[axis] ?? 0) / 3, 1, 'matrix', slot)),
  tiedTo: undefined,
});

const graphOf = (...parameters: Parameter[]): ArchitectureGraph =>
  linearGraph({ nodes: [node('input', 'input'), node('weight', 'conv', [4, 3])], parameters });

const plan = (graph: ArchitectureGraph, options: Partial<PlanOptions> = {}, model = bundle) =>
  planPrediction(graph, model, { ...OPTIONS, ...options });

describe('a plan', () => {
  it('says of each tensor where its values come from', () => {
    const { tensors, coverage, totalBytes } = plan(
      graphOf(
        predicted('small', [10, 12], 1, 'matrix'),
        predicted('wide', [100, 12], 1, 'matrix'),
        initialized('noise', [5]),
        tied('head', [10, 12], 'small'),
      ),
    );
    expect(tensors).toMatchObject([
      { name: 'small', source: 'predicted', rank: 8, sent: true, bytes: 480, offset: 0, tiledElements: 0 },
      {
        name: 'wide',
        source: 'tiled',
        bytes: 4800,
        offset: 480,
        predictedElements: 1200,
        tiledElements: 36 * 12,
      },
      { name: 'noise', source: 'initialized', rank: 0, bytes: 20, offset: 5280, initializedElements: 5 },
      { name: 'head', source: 'tied', sent: false, bytes: 0, tiedTo: 'small', predictedElements: 0 },
    ]);
    expect(coverage).toEqual({
      parameters: 1325,
      predicted: 888,
      tiled: 432,
      initialized: 5,
      tied: 120,
      kept: 0,
    });
    expect(totalBytes).toBe(5300);
  });

  it('accounts for every element', () => {
    const shapes = fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 200 })),
      fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 60 })),
      fc.tuple(...[80, 50, 4, 4].map((max) => fc.integer({ min: 1, max }))),
    );
    const parameter = fc
      .tuple(shapes, fc.constantFrom('predicted', 'initialized', 'tied'))
      .map(([shape, source]) => (name: string): Parameter[] => {
        const role = shape.length === 1 ? 'bias' : 'matrix';
        const whole = source === 'initialized' ? initialized(name, shape) : predicted(name, shape, 1, role);
        return source === 'tied' ? [whole, tied(`${name} again`, shape, name)] : [whole];
      });
    const models = fc.constantFrom(bundle, bundleOf({ decoder: 'aligned', slots: 3 }), {
      ...bundle,
      manifest: { ...bundle.manifest, hypernet: { ...bundle.manifest.hypernet, decoder: 'dense' } },
    } satisfies Bundle);
    fc.assert(
      fc.property(
        models,
        fc.array(parameter, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('f32', 'bf16'),
        (model, make, elementType) => {
          const parameters = make.flatMap((named, index) => named(`p${index}`));
          const { tensors, coverage, totalBytes } = plan(graphOf(...parameters), { elementType }, model);
          const { predicted, tiled, initialized, tied } = coverage;
          expect(predicted + tiled + initialized + tied).toBe(
            parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0),
          );
          expect(coverage.parameters).toBe(predicted + tiled + initialized);
          let offset = 0;
          for (const tensor of tensors) {
            expect(tensor.offset).toBe(offset);
            offset += tensor.bytes;
            if (tensor.source !== 'tied') {
              expect(tensor.predictedElements + tensor.initializedElements).toBe(elementCount(tensor.shape));
            }
            expect(tensor.tiledElements).toBeLessThan(Math.max(1, tensor.predictedElements));
          }
          expect(totalBytes).toBe(offset);
        },
      ),
    );
  });

  it('that is strict has no element filled by rule', () => {
    const whole = [predicted('small', [10, 12], 1, 'matrix'), tied('head', [10, 12], 'small')];
    const strict = { strict: true };
    expect(plan(graphOf(...whole), strict)).toEqual(plan(graphOf(...whole)));
    const position: Parameter = {
      ...initialized('token and rest', [4, 12]),
      blocks: [...initialized('', [1]).blocks, predictedBlock(3, 1)],
    };
    const graph = graphOf(...whole, initialized('noise', [5]), position);
    // Whatever of it is sent.
    for (const selection of [NameSelection.all, NameSelection.of(['small'])]) {
      expect(() => plan(graph, { ...strict, selection })).toThrow(
        'architecture: parameter "noise" of shape [5] is not predicted: 5 of 5 elements would be filled by rule, ' +
          'which strict does not allow; architecture: parameter "token and rest" of shape [4,12] is not predicted: ' +
          '12 of 48 elements would be filled by rule, which strict does not allow',
      );
    }
  });

  it('joins the blocks of a fused projection for a model without slots', () => {
    for (const [axis, shape] of [
      [0, [96, 30]],
      [1, [30, 96]],
    ] as const) {
      const [tensor] = plan(graphOf(fused(axis, shape))).tensors;
      expect(tensor?.pieces).toHaveLength(1);
      expect(tensor?.pieces[0]).toMatchObject({ row: 0, rows: shape[0], column: 0, columns: shape[1] });
    }
  });

  it('keeps them apart for a model with slots', () => {
    const aligned = bundleOf({ decoder: 'aligned', slots: 3 });
    const [rows] = plan(graphOf(fused(0, [96, 30])), {}, aligned).tensors;
    expect(rows?.pieces).toMatchObject([
      { row: 0, rows: 32, recipe: { slot: 0 } },
      { row: 32, rows: 32, recipe: { slot: 1 } },
      { row: 64, rows: 32, recipe: { slot: 2 } },
    ]);
    const [columns] = plan(graphOf(fused(1, [30, 96])), {}, aligned).tensors;
    expect(columns?.pieces).toMatchObject([{ column: 0 }, { column: 32 }, { column: 64 }]);
  });

  it('does not join blocks of different nodes, roles or origins', () => {
    const block = predictedBlock(2, 1);
    const other = predictedBlock(2, 0);
    const embedding = predictedBlock(2, 1, 'embedding');
    const [noise] = initialized('x', [2, 3]).blocks;
    if (noise === undefined) throw new Error('no block');
    const parameter = {
      ...predicted('w', [14, 3], 1, 'matrix'),
      blocks: [block, block, other, block, embedding, noise, block],
    };
    expect(plan(graphOf(parameter)).tensors[0]?.pieces.map(({ row }) => row)).toEqual([0, 4, 6, 8, 10, 12]);
  });

  it('sends the selected tensors only, and still counts all of them', () => {
    const graph = graphOf(predicted('a', [2, 2], 1, 'matrix'), initialized('b', [3]), initialized('c', [1]));
    const { tensors, coverage, totalBytes } = plan(graph, {
      selection: NameSelection.of(['b', 'c']),
      elementType: 'f16',
    });
    expect(tensors).toMatchObject([
      { sent: false, bytes: 0 },
      { sent: true, bytes: 6, offset: 0 },
      { sent: true, bytes: 2, offset: 6 },
    ]);
    expect(totalBytes).toBe(8);
    expect(coverage.parameters).toBe(8);
  });

  it('has a fingerprint of everything that its bytes depend on, and of nothing else', () => {
    const graph = graphOf(predicted('a', [2, 2], 1, 'matrix'), initialized('b', [3]));
    const { fingerprint } = plan(graph);
    expect(plan({ ...graph, name: 'other', family: 'vit' }).fingerprint).toBe(fingerprint);
    const others = [
      plan(graph, { seed: 1 }),
      plan(graph, { elementType: 'bf16' }),
      plan(graph, { selection: NameSelection.of(['a']) }),
      plan(graph, {}, { ...bundle, fingerprint: 'e'.repeat(64) }),
      plan({ ...graph, parameters: graph.parameters.slice(1) }),
    ];
    expect(new Set([fingerprint, ...others.map((other) => other.fingerprint)]).size).toBe(6);
  });
});
