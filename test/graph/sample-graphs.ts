import fc from 'fast-check';
import type { Filling } from '../../src/graph/filling';
import {
  DEFAULT_INITIALIZER_RANGE,
  type ArchitectureGraph,
  type Block,
  type GraphEdge,
  type GraphNode,
  type Parameter,
  type Role,
} from '../../src/graph/graph';

/** A node without a shape unless one is given. */
export function node(name: string, operation: string, shape: readonly number[] = []): GraphNode {
  return { name, operation, shape };
}

export function edges(...pairs: readonly (readonly [source: number, target: number])[]): GraphEdge[] {
  return pairs.map(([source, target]) => ({ source, target }));
}

/** A block that the hypernetwork predicts. */
export function predictedBlock(length: number, index: number, role: Role = 'matrix', slot = 0): Block {
  return { length, origin: { kind: 'prediction', node: index, role, classifier: false, slot } };
}

/** A parameter that one node predicts whole. */
export function predicted(name: string, shape: readonly number[], index: number, role: Role): Parameter {
  return { name, shape, axis: 0, blocks: [predictedBlock(shape[0] ?? 0, index, role)], tiedTo: undefined };
}

/** A linear layer on the input, with a bias: three nodes, two parameters; and whatever `changes` replaces. */
export function linearGraph(changes: Partial<ArchitectureGraph> = {}): ArchitectureGraph {
  return {
    name: 'linear',
    family: '',
    nodes: [node('input', 'input'), node('weight', 'conv', [4, 3]), node('bias', 'bias', [4])],
    edges: edges([0, 1], [1, 2]),
    parameters: [predicted('weight', [4, 3], 1, 'matrix'), predicted('bias', [4], 2, 'bias')],
    sizes: {},
    initializerRange: DEFAULT_INITIALIZER_RANGE,
    ...changes,
  };
}

const numbers = fc.float({ min: 0, max: 8, noNaN: true });

/** A value of -0 is not sent, and comes back as 0. */
const anyNumber = fc.float({ noDefaultInfinity: true, noNaN: true }).map((value) => value + 0);
const positive = fc.float({ min: 0.125, max: 8, noNaN: true });
const interval = fc.tuple(positive, positive).map(([lower, width]) => ({ lower, upper: lower + width }));
const transform = fc.constantFrom(
  {},
  { function: 'log' as const },
  { function: 'inverse_softplus' as const },
);

/** Fillings of every rule, for parameters of two dimensions or more. */
export const fillings: fc.Arbitrary<Filling> = fc.oneof(
  fc.record({ rule: fc.constant('shifted_normal' as const), mean: anyNumber, standardDeviation: numbers }),
  fc.tuple(interval, positive).map(([bounds, standardDeviation]) => ({
    rule: 'bounded_normal' as const,
    mean: bounds.lower,
    standardDeviation,
    ...bounds,
  })),
  fc
    .tuple(interval, transform)
    .map(([bounds, more]) => ({ rule: 'uniform_between' as const, ...bounds, ...more })),
  fc
    .tuple(interval, numbers, transform)
    .map(([bounds, least, more]) => ({ rule: 'log_uniform' as const, ...bounds, least, ...more })),
  fc
    .tuple(positive, numbers, transform)
    .map(([start, step, more]) => ({ rule: 'sequence' as const, start, step, ...more })),
  fc.constant({ rule: 'identity' as const }),
  fc.record({
    rule: fc.constant('sinusoids' as const),
    start: anyNumber,
    base: positive,
    divisor: positive,
    interleaved: fc.boolean(),
  }),
  fc.oneof(
    fc.record({
      rule: fc.constantFrom('zeros' as const, 'ones' as const),
      standardDeviation: fc.constant(0),
    }),
    fc.record({
      rule: fc.constantFrom('normal' as const, 'truncated_normal' as const),
      standardDeviation: numbers,
    }),
    fc.record({ rule: fc.constant('uniform' as const), bound: numbers }),
    fc.record({
      rule: fc.constant('constant' as const),
      value: anyNumber,
    }),
  ),
);

/** Parameters of every rule, kept or not, with repetitions or without. */
export const filledParameters: fc.Arbitrary<Parameter> = fc
  .tuple(
    fillings,
    fc.constantFrom({}, { keep: 'unless_predicted' as const }),
    fc.constantFrom({}, { repetitions: 2, view: [10, 3] }),
  )
  .map(([filling, keep, repeated]): Parameter => {
    const origin = { kind: 'initialization', ...filling } as const;
    const shape = 'view' in repeated ? [2, 5, 3] : [5, 3];
    const blocks = [{ length: 5, origin }];
    return { name: 'filled', shape, axis: 0, blocks, tiedTo: undefined, ...repeated, ...keep };
  });

/** A parameter that the caller keeps. */
export const KEPT: Parameter = {
  name: 'kept',
  shape: [],
  axis: 0,
  blocks: [],
  tiedTo: undefined,
  keep: 'always',
};

/** Graphs of sums without cycles, every node reached from node 0; the indices follow the data flow. */
export const acyclicGraphs: fc.Arbitrary<ArchitectureGraph> = fc
  .integer({ min: 1, max: 14 })
  .chain((count) =>
    fc.record({
      parents: fc.tuple(...Array.from({ length: count }, (_, index) => fc.nat({ max: index }))),
      filled: filledParameters,
      extra: fc.uniqueArray(fc.tuple(fc.nat({ max: count }), fc.nat({ max: count })), { maxLength: 30 }),
      initializerRange: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    }),
  )
  .map(({ parents, filled, extra, initializerRange }) => {
    const pairs = new Map<string, readonly [number, number]>();
    const add = (source: number, target: number): void => {
      pairs.set(`${source} ${target}`, [source, target]);
    };
    parents.forEach((parent, index) => {
      add(parent, index + 1);
    });
    for (const [a, b] of extra) if (a !== b) add(Math.min(a, b), Math.max(a, b));
    const nodes = [
      node('input', 'input'),
      ...parents.map((_, index) => node(`node ${index + 1}`, 'conv', [2, 2])),
    ];
    const parameters = [predicted('weight', [2, 2], 1, 'matrix'), filled, KEPT];
    return linearGraph({ nodes, edges: edges(...pairs.values()), parameters, initializerRange });
  });
