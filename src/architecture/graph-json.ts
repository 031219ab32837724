/** `graph.json`: the proto3 JSON mapping of `ArchitectureGraph`, as `logah graph` and the Python package write it. */

import { invalidField } from '../errors';
import type { ArchitectureGraph } from '../gen/logah/v1/ArchitectureGraph';
import { Role } from '../gen/logah/v1/Role';
import { Function } from '../gen/logah/v1/Function';
import { Keep } from '../gen/logah/v1/Keep';
import { Rule } from '../gen/logah/v1/Rule';
import { quoted, Violations } from '../graph/violations';

/** How a field of a message is read. */
type FieldType =
  | { readonly kind: 'string' | 'boolean' | 'double' | 'int64' | 'uint32' }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'message'; readonly fields: Fields }
  | { readonly kind: 'list'; readonly of: FieldType };

/** By the names of the JSON mapping. */
type Fields = Readonly<Record<string, FieldType>>;

const string: FieldType = { kind: 'string' };
const boolean: FieldType = { kind: 'boolean' };
const uint32: FieldType = { kind: 'uint32' };
const int64: FieldType = { kind: 'int64' };
const double: FieldType = { kind: 'double' };
const message = (fields: Fields): FieldType => ({ kind: 'message', fields });
const list = (of: FieldType): FieldType => ({ kind: 'list', of });
const names = (values: Readonly<Record<string, string>>): FieldType => ({
  kind: 'enum',
  names: Object.values(values),
});

const INITIALIZATION = message({
  rule: names(Rule),
  standardDeviation: double,
  value: double,
  bound: double,
  mean: double,
  lower: double,
  upper: double,
  least: double,
  start: double,
  step: double,
  base: double,
  divisor: double,
  interleaved: boolean,
  function: names(Function),
});

const BLOCK = message({
  length: int64,
  prediction: message({ node: uint32, role: names(Role), classifier: boolean, slot: uint32 }),
  initialization: INITIALIZATION,
  fallback: INITIALIZATION,
});

const PARAMETER = message({
  name: string,
  shape: list(int64),
  blocks: list(BLOCK),
  axis: uint32,
  tiedTo: string,
  view: list(int64),
  keep: names(Keep),
  repetitions: uint32,
  layout: message({ order: list(uint32), shape: list(int64) }),
});

const GRAPH = message({
  name: string,
  family: string,
  nodes: list(message({ name: string, operation: string, shape: list(int64) })),
  edges: list(message({ source: uint32, target: uint32 })),
  parameters: list(PARAMETER),
  initializerRange: double,
});

/** The message as JSON text that `parseGraphJson` reads, with a line for each node, edge and parameter. */
export function formatGraphJson(graph: ArchitectureGraph): string {
  const { name, family, nodes, edges, parameters, initializerRange } = graph;
  const list = (items: readonly unknown[] = []): string =>
    `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
  return `{
"name": ${JSON.stringify(name ?? '')},
"family": ${JSON.stringify(family ?? '')},
"nodes": ${list(nodes)},
"edges": ${list(edges)},
"parameters": ${list(parameters)}${initializerRange === undefined ? '' : `,\n"initializerRange": ${initializerRange}`}
}
`;
}

/**
 * The message in JSON text; absent fields stay absent. Throws LogahError `invalid_argument` with a violation for each
 * unknown field and wrong type. Null stands for the default, as the mapping has it. Whether the graph makes sense is for `architectureGraph` to say.
 */
export function parseGraphJson(text: string): ArchitectureGraph {
  const violations = new Violations();
  const graph = read(parse(text), GRAPH, '', violations);
  violations.throwIfAny();
  // The reader has checked every field against the contract.
  return graph as ArchitectureGraph;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw invalidField('graph', `is not JSON: ${cause.message}`);
  }
}

/** Undefined where a violation was added. */
function read(value: unknown, type: FieldType, path: string, violations: Violations): unknown {
  const wrong = (allowed: string): unknown => {
    violations.add(path === '' ? 'graph' : path, `must be ${allowed}, not ${quoted(value)}`);
    return undefined;
  };
  switch (type.kind) {
    case 'message':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('an object');
      return readMessage(value, type.fields, path, violations);
    case 'list':
      if (!Array.isArray(value)) return wrong('a list');
      return value.map((item, index) => read(item, type.of, `${path}[${index}]`, violations));
    case 'string':
      return typeof value === 'string' ? value : wrong('a string');
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong('true or false');
    case 'double':
      return typeof value === 'number' ? value : wrong('a number');
    case 'enum':
      return typeof value === 'string' && type.names.includes(value)
        ? value
        : wrong(`one of ${type.names.join(', ')}`);
    case 'uint32':
      return integer(value, 0, 2 ** 32 - 1) ?? wrong('an integer from 0 to 2^32 - 1');
    case 'int64':
      return (
        integer(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? wrong('an integer below 2^53')
      );
  }
}

function readMessage(value: object, fields: Fields, path: string, violations: Violations): unknown {
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const field = path === '' ? key : `${path}.${key}`;
    const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (type === undefined) {
      violations.add(field, `is not a field; there are ${Object.keys(fields).join(', ')}`);
    } else if (Object.hasOwn(result, name)) {
      violations.add(field, `is given twice, as ${name} and ${key}`);
    } else if (item !== null) {
      result[name] = read(item, type, field, violations);
    }
  }
  return result;
}

/** The JSON mapping writes 64-bit integers as strings; readers take both. */
function integer(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most
    ? number
    : undefined;
}
