import fc from 'fast-check';
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

/** Parameters of every rule. */
export const filledParameters: fc.Arbitrary<Parameter> = fc
  .oneof(
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
      // A value of -0 is not sent, and comes back as 0.
      value: fc.float({ noDefaultInfinity: true, noNaN: true }).map((value) => value + 0),
    }),
  )
  .map((filling): Parameter => {
    const origin = { kind: 'initialization', ...filling } as const;
    return { name: 'filled', shape: [5], axis: 0, blocks: [{ length: 5, origin }], tiedTo: undefined };
  });

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
    const parameters = [predicted('weight', [2, 2], 1, 'matrix'), filled];
    return linearGraph({ nodes, edges: edges(...pairs.values()), parameters, initializerRange });
  });
