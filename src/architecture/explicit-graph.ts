/** The graph of the contract, to and from the service's own types. */

import type { ArchitectureGraph as ProtoGraph } from '../gen/logah/v1/ArchitectureGraph';
import type { ArchitectureGraph__Output } from '../gen/logah/v1/ArchitectureGraph';
import type { Block as ProtoBlock, Block__Output } from '../gen/logah/v1/Block';
import type { Initialization__Output } from '../gen/logah/v1/Initialization';
import type { Parameter as ProtoParameter, Parameter__Output } from '../gen/logah/v1/Parameter';
import type { Role__Output } from '../gen/logah/v1/Role';
import type { Rule__Output } from '../gen/logah/v1/Rule';
import {
  DEFAULT_INITIALIZER_RANGE,
  fillingNumber,
  type ArchitectureGraph,
  type Block,
  type InitializationOrigin,
  type Parameter,
  type Role,
  type Rule,
} from '../graph/graph';
import { checkLimits, type GraphLimits, type GraphSize } from '../graph/limits';
import { validateGraph } from '../graph/validate';
import { Violations } from '../graph/violations';

const FIELD = 'architecture.graph';

const ROLES: ReadonlyMap<string | number, Role> = new Map<Role__Output, Role>([
  ['ROLE_MATRIX', 'matrix'],
  ['ROLE_EMBEDDING', 'embedding'],
  ['ROLE_NORM_WEIGHT', 'norm_weight'],
  ['ROLE_BIAS', 'bias'],
]);

const RULES: ReadonlyMap<string | number, Rule> = new Map<Rule__Output, Rule>([
  ['RULE_ZEROS', 'zeros'],
  ['RULE_ONES', 'ones'],
  ['RULE_NORMAL', 'normal'],
  ['RULE_TRUNCATED_NORMAL', 'truncated_normal'],
  ['RULE_CONSTANT', 'constant'],
  ['RULE_UNIFORM', 'uniform'],
]);

/** The field of `Initialization` with the number of a rule. */
const NUMBERS = {
  zeros: 'standardDeviation',
  ones: 'standardDeviation',
  normal: 'standardDeviation',
  truncated_normal: 'standardDeviation',
  constant: 'value',
  uniform: 'bound',
} as const satisfies Record<Rule, keyof Initialization__Output>;

/** Stands in where a violation was found. */
const NOTHING: Block['origin'] = { kind: 'initialization', rule: 'zeros', standardDeviation: 0 };

/** Throws LogahError `invalid_argument` with a violation for each wrong field. */
export function explicitGraph(message: ArchitectureGraph__Output, limits: GraphLimits): ArchitectureGraph {
  const violations = new Violations();
  const { name, family, nodes, edges } = message;
  checkLimits(messageSize(message), limits, FIELD, violations);
  violations.throwIfAny();
  const parameters = message.parameters.map((parameter, index) =>
    fromProtoParameter(parameter, `${FIELD}.parameters[${index}]`, violations),
  );
  violations.throwIfAny();
  const { initializerRange = DEFAULT_INITIALIZER_RANGE } = message;
  const graph = { name, family, nodes, edges, parameters, sizes: {}, initializerRange };
  validateGraph(graph, limits);
  return graph;
}

/** Before anything is read; the shapes are not yet known to be right. */
function messageSize({ nodes, edges, parameters }: ArchitectureGraph__Output): GraphSize {
  const blocks = parameters.reduce((sum, parameter) => sum + parameter.blocks.length, 0);
  return { nodes: nodes.length, edges: edges.length, tensors: parameters.length, blocks, elements: 0 };
}

function fromProtoParameter(message: Parameter__Output, field: string, violations: Violations): Parameter {
  const { name, shape, axis, tiedTo } = message;
  if ((message.blocks.length === 0) === (tiedTo === '')) {
    const came = tiedTo === '' ? 'has neither' : 'has both';
    violations.add(field, `${came} blocks and tied_to; exactly one of them must be set`);
  }
  const blocks = message.blocks.map((block, index) =>
    fromProtoBlock(block, `${field}.blocks[${index}]`, violations),
  );
  const { layout } = message;
  return {
    ...{ name, shape, axis, blocks },
    tiedTo: tiedTo === '' ? undefined : tiedTo,
    ...(layout && { layout: { order: layout.order, shape: layout.shape } }),
  };
}

function fromProtoBlock(message: Block__Output, field: string, violations: Violations): Block {
  const { length, prediction, initialization } = message;
  if (prediction) {
    const role = known(ROLES, prediction.role, `${field}.prediction.role`, violations);
    const { node, classifier, slot } = prediction;
    if (role !== undefined) return { length, origin: { kind: 'prediction', node, role, classifier, slot } };
  } else if (initialization) {
    const rule = known(RULES, initialization.rule, `${field}.initialization.rule`, violations);
    if (rule !== undefined) return { length, origin: fromProtoInitialization(rule, initialization) };
  } else {
    violations.add(field, 'has no origin; prediction or initialization must be set');
  }
  return { length, origin: NOTHING };
}

function fromProtoInitialization(rule: Rule, message: Initialization__Output): InitializationOrigin {
  const kind = 'initialization';
  const { value, bound, standardDeviation } = message;
  if (rule === 'constant') return { kind, rule, value };
  if (rule === 'uniform') return { kind, rule, bound };
  return { kind, rule, standardDeviation };
}

/** A value that the contract does not know arrives as a number. */
function known<T>(
  values: ReadonlyMap<string | number, T>,
  value: string | number,
  field: string,
  violations: Violations,
): T | undefined {
  const found = values.get(value);
  if (found === undefined)
    violations.add(field, `must be one of ${[...values.keys()].join(', ')}, not ${value}`);
  return found;
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

function toProtoParameter({ name, shape, axis, blocks, tiedTo, layout }: Parameter): ProtoParameter {
  if (tiedTo !== undefined) return { name, shape: [...shape], tiedTo };
  return {
    ...{ name, shape: [...shape] },
    ...(axis > 0 && { axis }),
    blocks: blocks.map(toProtoBlock),
    ...(layout && { layout: { order: [...layout.order], shape: [...layout.shape] } }),
  };
}

function toProtoBlock({ length, origin }: Block): ProtoBlock {
  if (origin.kind === 'prediction') {
    const { node, classifier, slot } = origin;
    const role = keyOf(ROLES, origin.role) as Role__Output;
    return {
      length,
      prediction: { node, role, ...(classifier && { classifier }), ...(slot > 0 && { slot }) },
    };
  }
  const rule = keyOf(RULES, origin.rule) as Rule__Output;
  const number = fillingNumber(origin);
  return { length, initialization: { rule, ...(number !== 0 && { [NUMBERS[origin.rule]]: number }) } };
}

function keyOf<T>(values: ReadonlyMap<string | number, T>, value: T): string | number | undefined {
  return [...values].find(([, candidate]) => candidate === value)?.[0];
}
