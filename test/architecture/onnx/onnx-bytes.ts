/** Writes ONNX files by hand, also such as no exporter writes. */

import { encodeVarint } from '../../../src/onnx-file/wire';
import { ATTRIBUTE, GRAPH, MODEL, NODE, TENSOR, VALUE_INFO } from '../../../src/onnx-file/fields';

const FLOAT = 1;
const INT64 = 7;

/** `[weight, 4, 3]`, or with integers as data. */
export interface TensorText {
  readonly shape: readonly number[];
  readonly integers?: readonly number[];
  readonly dataType?: number;
  /** Bytes of `raw_data`. */
  readonly raw?: Uint8Array;
}

export interface NodeText {
  readonly op: string;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly ints?: Readonly<Record<string, readonly number[]>>;
  readonly int?: Readonly<Record<string, number>>;
  readonly tensor?: TensorText;
  /** Bytes of a graph inside. */
  readonly graph?: Uint8Array;
  /** Bytes of the graph for the other case. */
  readonly otherGraph?: Uint8Array;
}

export interface ModelText {
  readonly nodes: readonly NodeText[];
  readonly tensors?: Readonly<Record<string, TensorText | readonly number[]>>;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

export const text = (value: string): Buffer => Buffer.from(value);
export const field = (number: number, content: Uint8Array): Buffer =>
  Buffer.concat([encodeVarint(number * 8 + 2), encodeVarint(content.length), content]);
export const integer = (number: number, value: number): Buffer =>
  Buffer.concat([encodeVarint(number * 8), value < 0 ? negative(value) : encodeVarint(value)]);

function negative(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

export function tensor(name: string, { shape, integers, dataType, raw }: TensorText): Buffer {
  return Buffer.concat([
    ...shape.map((size) => integer(TENSOR.dims, size)),
    integer(TENSOR.dataType, dataType ?? (integers ? INT64 : FLOAT)),
    field(TENSOR.name, text(name)),
    ...(integers ?? []).map((value) => integer(TENSOR.int64Data, value)),
    ...(raw ? [field(TENSOR.rawData, raw)] : []),
  ]);
}

export function node({
  op,
  name = '',
  domain,
  ints = {},
  int = {},
  tensor: constant,
  graph,
  otherGraph,
  ...values
}: NodeText): Buffer {
  const attribute = (key: string, ...content: Buffer[]): Buffer =>
    field(NODE.attribute, Buffer.concat([field(ATTRIBUTE.name, text(key)), ...content]));
  return Buffer.concat([
    ...values.in.map((value) => field(NODE.input, text(value))),
    ...values.out.map((value) => field(NODE.output, text(value))),
    field(NODE.name, text(name)),
    field(NODE.opType, text(op)),
    ...Object.entries(ints).map(([key, all]) =>
      attribute(key, ...all.map((value) => integer(ATTRIBUTE.ints, value))),
    ),
    ...Object.entries(int).map(([key, value]) => attribute(key, integer(ATTRIBUTE.int, value))),
    ...(constant ? [attribute('value', field(ATTRIBUTE.tensor, tensor('', constant)))] : []),
    ...(graph ? [attribute('then_branch', field(ATTRIBUTE.graph, graph))] : []),
    ...(otherGraph ? [attribute('else_branch', field(ATTRIBUTE.graph, otherGraph))] : []),
    ...(domain === undefined ? [] : [field(NODE.domain, text(domain))]),
  ]);
}

export function graph({ nodes, tensors = {}, inputs = ['x'], outputs = ['y'] }: ModelText): Buffer {
  const named = (name: string): Buffer => field(VALUE_INFO.name, text(name));
  return Buffer.concat([
    ...nodes.map((each) => field(GRAPH.node, node(each))),
    field(GRAPH.name, text('network')),
    ...Object.entries(tensors).map(([name, each]) =>
      field(GRAPH.initializer, tensor(name, 'shape' in each ? each : { shape: each })),
    ),
    ...inputs.map((name) => field(GRAPH.input, named(name))),
    ...outputs.map((name) => field(GRAPH.output, named(name))),
  ]);
}

export function model(content: ModelText): Buffer {
  return Buffer.concat([integer(1, 8), field(MODEL.graph, graph(content))]);
}
