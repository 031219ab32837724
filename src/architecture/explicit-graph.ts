/** The graph of the contract, to and from the service's own types. */

import type { ArchitectureGraph as ProtoGraph } from '../gen/logah/v1/ArchitectureGraph';
import type { ArchitectureGraph__Output } from '../gen/logah/v1/ArchitectureGraph';
import type { Block as ProtoBlock, Block__Output } from '../gen/logah/v1/Block';
import type { Keep__Output } from '../gen/logah/v1/Keep';
import type { Parameter as ProtoParameter, Parameter__Output } from '../gen/logah/v1/Parameter';
import type { Role__Output } from '../gen/logah/v1/Role';
import {
  DEFAULT_INITIALIZER_RANGE,
  type ArchitectureGraph,
  type Block,
  type Keep,
  type Parameter,
  type Role,
} from '../graph/graph';
import { checkLimits, type GraphLimits, type GraphSize } from '../graph/limits';
import { validateGraph } from '../graph/validate';
import { Violations } from '../graph/violations';
import { keyOf, known } from '../graph/enum-values';
import { fromProtoInitialization } from './explicit-filling';
import { toProtoInitialization } from '../graph/filling-message';

const FIELD = 'architecture.graph';

const ROLES: ReadonlyMap<string | number, Role> = new Map<Role__Output, Role>([
  ['ROLE_MATRIX', 'matrix'],
  ['ROLE_EMBEDDING', 'embedding'],
  ['ROLE_NORM_WEIGHT', 'norm_weight'],
  ['ROLE_BIAS', 'bias'],
]);

const KEEPS: ReadonlyMap<string | number, Keep> = new Map<Keep__Output, Keep>([
  ['KEEP_ALWAYS', 'always'],
  ['KEEP_UNLESS_PREDICTED', 'unless_predicted'],
]);

/** Stands in where a violation was found. */
const NOTHING: Block['origin'] = { kind: 'initialization', rule: 'zeros', standardDeviation: 0 };

/**
 * Throws LogahError `invalid_argument` with a violation for each wrong field. Takes the message's parameters away from it:
 * of a large graph, both forms at once would be megabytes.
 */
export function explicitGraph(message: ArchitectureGraph__Output, limits: GraphLimits): ArchitectureGraph {
  const violations = new Violations();
  const { name, family, nodes, edges } = message;
  checkLimits(messageSize(message), limits, FIELD, violations);
  violations.throwIfAny();
  const parameters = Array.from(taken(message.parameters), (parameter, index) =>
    fromProtoParameter(parameter, `${FIELD}.parameters[${index}]`, violations),
  );
  violations.throwIfAny();
  // Of a graph of no family nothing says that its weights start as those of transformers do.
  const initializerRange =
    message.initializerRange ?? (family === '' ? undefined : DEFAULT_INITIALIZER_RANGE);
  const graph = { name, family, nodes, edges, parameters, sizes: {}, initializerRange };
  validateGraph(graph, limits);
  return graph;
}

/** The entries of a list in order, which is empty afterwards. */
function* taken<Entry>(list: Entry[]): Generator<Entry> {
  list.reverse();
  for (let entry = list.pop(); entry !== undefined; entry = list.pop()) yield entry;
}

/** Before anything is read; the shapes are not yet known to be right. */
function messageSize({ nodes, edges, parameters }: ArchitectureGraph__Output): GraphSize {
  const blocks = parameters.reduce((sum, parameter) => sum + parameter.blocks.length, 0);
  return {
    nodes: nodes.length,
    edges: edges.length,
    tensors: parameters.length,
    blocks,
    pieces: 0,
    elements: 0,
  };
}

function fromProtoParameter(message: Parameter__Output, field: string, violations: Violations): Parameter {
  const { name, shape, axis, tiedTo, view, repetitions } = message;
  const keep =
    message.keep === 'KEEP_UNSPECIFIED' ? undefined : known(KEEPS, message.keep, `${field}.keep`, violations);
  if (message.blocks.length > 0 && tiedTo !== '') {
    violations.add(field, 'has both blocks and tied_to; exactly one of them must be set');
  }
  if (keep !== undefined && tiedTo !== '') {
    violations.add(field, `has both tied_to and keep ${message.keep}; what is tied has no values of its own`);
  }
  const blocks = message.blocks.map((block, index) =>
    fromProtoBlock(block, `${field}.blocks[${index}]`, violations),
  );
  const { layout } = message;
  return {
    name,
    shape,
    axis,
    blocks,
    tiedTo: tiedTo === '' ? undefined : tiedTo,
    ...(view.length > 0 && { view }),
    ...(repetitions > 1 && { repetitions }),
    ...(keep !== undefined && { keep }),
    ...(layout && { layout: { order: layout.order, shape: layout.shape } }),
  };
}

function fromProtoBlock(message: Block__Output, field: string, violations: Violations): Block {
  const { length, prediction, initialization } = message;
  if (prediction) {
    const role = known(ROLES, prediction.role, `${field}.prediction.role`, violations);
    const { node, classifier, slot } = prediction;
    const fallback =
      message.fallback === null
        ? undefined
        : fromProtoInitialization(message.fallback, `${field}.fallback`, violations);
    if (role !== undefined) {
      const origin = { kind: 'prediction', node, role, classifier, slot } as const;
      return { length, origin, ...(fallback !== undefined && { fallback }) };
    }
  } else if (initialization) {
    const filling = fromProtoInitialization(initialization, `${field}.initialization`, violations);
    if (filling !== undefined) return { length, origin: { kind: 'initialization', ...filling } };
  } else {
    violations.add(field, 'has no origin; prediction or initialization must be set');
  }
  return { length, origin: NOTHING };
}

/** The graph as the contract has it, without fields that have their default; it is also the proto3 JSON mapping. */
export function toProtoGraph(graph: ArchitectureGraph): ProtoGraph {
  const { name, family, nodes, edges, parameters } = graph;
  const { initializerRange = DEFAULT_INITIALIZER_RANGE } = graph;
  return {
    name,
    family,
    nodes: nodes.map((node) => ({
      name: node.name,
      operation: node.operation,
      ...(node.shape.length > 0 && { shape: [...node.shape] }),
    })),
    edges: edges.map(({ source, target }) => ({ source, target })),
    parameters: parameters.map(toProtoParameter),
    ...(initializerRange !== DEFAULT_INITIALIZER_RANGE && { initializerRange }),
  };
}

function toProtoParameter(parameter: Parameter): ProtoParameter {
  const { name, shape, axis, blocks, tiedTo, view, repetitions, keep, layout } = parameter;
  if (tiedTo !== undefined) return { name, shape: [...shape], tiedTo };
  return {
    name,
    shape: [...shape],
    ...(axis > 0 && { axis }),
    ...(blocks.length > 0 && { blocks: blocks.map(toProtoBlock) }),
    ...(view !== undefined && { view: [...view] }),
    ...(repetitions !== undefined && { repetitions }),
    ...(keep !== undefined && { keep: keyOf(KEEPS, keep) as Keep__Output }),
    ...(layout && { layout: { order: [...layout.order], shape: [...layout.shape] } }),
  };
}

function toProtoBlock({ length, origin, fallback }: Block): ProtoBlock {
  if (origin.kind === 'initialization') {
    return { length, initialization: toProtoInitialization(origin) };
  }
  const { node, classifier, slot } = origin;
  const role = keyOf(ROLES, origin.role) as Role__Output;
  return {
    length,
    prediction: { node, role, ...(classifier && { classifier }), ...(slot > 0 && { slot }) },
    ...(fallback !== undefined && { fallback: toProtoInitialization(fallback) }),
  };
}
