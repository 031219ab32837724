/** The bytes of an ONNX file -> its nodes and tensors. Data of weights is skipped; everything else is bounded. */

import { invalidField, LogahError } from '../../errors';
import { quoted } from '../../graph/violations';
import {
  ATTRIBUTE,
  DIMENSION,
  FUNCTION,
  GRAPH,
  INTEGER_BYTES,
  KEPT_BYTES,
  MODEL,
  NODE,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from '../../onnx-file/fields';
import {
  LENGTH_DELIMITED,
  memorySource,
  signedVarint,
  VARINT,
  WireError,
  wireFields,
  type ByteSource,
  type WireField,
} from '../../onnx-file/wire';
import {
  ONNX_FIELD,
  type OnnxAttribute,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxInput,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './model';

/** Fields of a file for each node of the graph that is allowed, as for the other forms of an architecture. */
const FIELDS_PER_NODE = 200;

/** Nodes and tensors of a file, eight for each node of the largest graphs: each takes memory, even one that has no field. */
const MAX_PARTS = 2 ** 16;

/** A map of each node without any would be the largest part of it. */
const NO_ATTRIBUTES: ReadonlyMap<string, OnnxAttribute> = new Map();

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Largest rank of a tensor that is read. */
const MAX_DIMENSIONS = 16;

/** Graphs inside graphs, as branches in branches. */
const MAX_DEPTH = 16;

/**
 * Throws LogahError `invalid_argument` where the bytes are no ONNX file, or one of more than 200 fields a node that is
 * allowed. Time and memory grow with the fields, not with the bytes.
 */
export function readModel(bytes: Uint8Array, maxNodes: number): OnnxModel {
  if (Buffer.from(bytes.subarray(0, POINTER.length)).toString('latin1') === POINTER) {
    throw invalidField(ONNX_FIELD, 'is a Git LFS pointer, not the model; fetch it with git lfs pull');
  }
  const reader = new ModelReader(memorySource(bytes), maxNodes * FIELDS_PER_NODE);
  try {
    return reader.model();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw invalidField(ONNX_FIELD, `is not an ONNX file, or cut short: ${error.message}`);
  }
}

/** What a checkout without Git LFS has in place of the file. */
const POINTER = 'version https://git-lfs.github.com/spec/';

class ModelReader {
  private left: number;
  private partCount = 0;
  private depth = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly limit: number,
  ) {
    this.left = limit;
  }

  model(): OnnxModel {
    let graph: WireField | undefined;
    const functions: OnnxFunction[] = [];
    for (const field of this.fields(0, this.source.size)) {
      if (field.number === MODEL.functions) functions.push(this.function(field, functions.length));
      if (field.number !== MODEL.graph) continue;
      if (graph !== undefined) throw invalidField(ONNX_FIELD, 'has two graphs');
      graph = this.expect(field, LENGTH_DELIMITED, 'graph');
    }
    if (graph === undefined) throw invalidField(ONNX_FIELD, 'has no graph');
    return { ...this.graph(graph, 'graph'), functions };
  }

  private graph(message: WireField, path: string): OnnxGraph {
    let name = '';
    const nodes: OnnxNode[] = [];
    const initializers: OnnxTensor[] = [];
    const inputs: OnnxInput[] = [];
    const outputs: string[] = [];
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      switch (field.number) {
        case GRAPH.name:
          name = this.text(field, `${path}.name`);
          break;
        case GRAPH.node:
          this.countPart();
          nodes.push(this.node(field, nodes.length, `${path}.node[${nodes.length}]`));
          break;
        case GRAPH.initializer:
          this.countPart();
          initializers.push(this.tensor(field, `${path}.initializer[${initializers.length}]`));
          break;
        case GRAPH.sparseInitializer:
          throw invalidField(ONNX_FIELD, 'has sparse initializers; export the model with dense ones');
        case GRAPH.input:
          inputs.push(this.input(field, `${path}.input[${inputs.length}]`));
          break;
        case GRAPH.output:
          outputs.push(this.input(field, `${path}.output[${outputs.length}]`).name);
          break;
      }
    }
    return { name, nodes, initializers, inputs, outputs };
  }

  private function(message: WireField, index: number): OnnxFunction {
    const path = `functions[${index}]`;
    const texts = { name: '', domain: '' };
    const inputs: string[] = [];
    const outputs: string[] = [];
    const nodes: OnnxNode[] = [];
    const defaults = new Map<string, OnnxAttribute>();
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      switch (field.number) {
        case FUNCTION.name:
          texts.name = this.text(field, `${path}.name`);
          break;
        case FUNCTION.domain:
          texts.domain = this.text(field, `${path}.domain`);
          break;
        case FUNCTION.input:
          inputs.push(this.text(field, `${path}.input[${inputs.length}]`));
          break;
        case FUNCTION.output:
          outputs.push(this.text(field, `${path}.output[${outputs.length}]`));
          break;
        case FUNCTION.node:
          this.countPart();
          nodes.push(this.node(field, nodes.length, `${path}.node[${nodes.length}]`));
          break;
        case FUNCTION.attributeDefault:
          defaults.set(...this.attribute(field, `${path}.attribute_proto[${defaults.size}]`));
          break;
      }
    }
    return { ...texts, inputs, outputs, nodes, defaults };
  }

  private node(message: WireField, index: number, path: string): OnnxNode {
    const texts = { name: '', operator: '', domain: '' };
    const inputs: string[] = [];
    const outputs: string[] = [];
    let attributes: Map<string, OnnxAttribute> | undefined;
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      switch (field.number) {
        case NODE.name:
          texts.name = this.text(field, `${path}.name`);
          break;
        case NODE.opType:
          texts.operator = this.text(field, `${path}.op_type`);
          break;
        case NODE.domain:
          texts.domain = this.text(field, `${path}.domain`);
          break;
        case NODE.input:
          inputs.push(this.text(field, `${path}.input[${inputs.length}]`));
          break;
        case NODE.output:
          outputs.push(this.text(field, `${path}.output[${outputs.length}]`));
          break;
        case NODE.attribute: {
          attributes ??= new Map();
          const [name, attribute] = this.attribute(field, `${path}.attribute[${attributes.size}]`);
          attributes.set(name, attribute);
          break;
        }
      }
    }
    return { index, ...texts, inputs, outputs, attributes: attributes ?? NO_ATTRIBUTES };
  }

  private attribute(message: WireField, path: string): [string, OnnxAttribute] {
    let name = '';
    let int: number | undefined;
    let text = '';
    let reference = '';
    let tensor: OnnxTensor | undefined;
    let graph: OnnxGraph | undefined;
    const ints: number[] = [];
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      switch (field.number) {
        case ATTRIBUTE.name:
          name = this.text(field, `${path}.name`);
          break;
        case ATTRIBUTE.int:
          [int] = this.numbers(this.expect(field, VARINT, `${path}.i`), `${path}.i`);
          break;
        case ATTRIBUTE.text:
          text = this.text(field, `${path}.s`);
          break;
        case ATTRIBUTE.ints:
          for (const number of this.numbers(field, `${path}.ints`)) ints.push(number);
          break;
        case ATTRIBUTE.tensor:
          tensor = this.tensor(field, `${path}.t`);
          break;
        case ATTRIBUTE.graph:
        case ATTRIBUTE.graphs:
          graph = this.nested(() => this.graph(field, `${path}.g`));
          break;
        case ATTRIBUTE.reference:
          reference = this.text(field, `${path}.ref_attr_name`);
          break;
      }
    }
    return [name, { int, ints, text, tensor, graph, reference }];
  }

  private tensor(message: WireField, path: string): OnnxTensor {
    let name = '';
    let dataType = 0;
    const shape: number[] = [];
    const data: WireField[] = [];
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      switch (field.number) {
        case TENSOR.name:
          name = this.text(field, `${path}.name`);
          break;
        case TENSOR.dataType:
          [dataType = 0] = this.numbers(this.expect(field, VARINT, `${path}.data_type`), `${path}.data_type`);
          break;
        case TENSOR.dims:
          for (const size of this.numbers(field, `${path}.dims`)) shape.push(size);
          if (shape.length > MAX_DIMENSIONS) {
            throw invalidField(`${ONNX_FIELD}.${path}.dims`, `has more than ${MAX_DIMENSIONS} dimensions`);
          }
          break;
        case TENSOR.int32Data:
        case TENSOR.int64Data:
        case TENSOR.uint64Data:
        case TENSOR.rawData:
          data.push(field);
          break;
      }
    }
    return { name, dataType, shape, integers: this.integers(data, dataType, `${path}.data`) };
  }

  /** Undefined where the data is left out, or no shape, axis or index. */
  private integers(
    data: readonly WireField[],
    dataType: number,
    path: string,
  ): readonly number[] | undefined {
    const width = INTEGER_BYTES.get(dataType);
    const bytes = data.reduce((sum, { content, end }) => sum + end - content, 0);
    if (width === undefined || data.length === 0 || bytes > KEPT_BYTES) return undefined;
    return data.flatMap((field) =>
      field.number === TENSOR.rawData ? this.rawIntegers(field, width) : this.numbers(field, path),
    );
  }

  /** Little-endian; those of eight bytes by their low 53 bits and the sign. */
  private rawIntegers({ content, end }: WireField, width: number): number[] {
    const bytes = Buffer.from(this.source.read(content, end));
    const numbers: number[] = [];
    for (let at = 0; at + width <= bytes.length; at += width) {
      numbers.push(width === 8 ? Number(bytes.readBigInt64LE(at)) : bytes.readIntLE(at, width));
    }
    return numbers;
  }

  /** Name, and type where it is a tensor of fixed shape. */
  private input(message: WireField, path: string): OnnxInput {
    let input: OnnxInput = { name: '', dataType: 0, shape: undefined };
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      if (field.number === VALUE_INFO.name) input = { ...input, name: this.text(field, `${path}.name`) };
      if (field.number !== VALUE_INFO.type) continue;
      for (const tensor of this.parts(field, TYPE.tensor, `${path}.type`)) {
        for (const part of this.inside(tensor)) {
          if (part.number === TENSOR_TYPE.elementType) {
            const [dataType = 0] = this.numbers(part, `${path}.type.elem_type`);
            input = { ...input, dataType };
          } else if (part.number === TENSOR_TYPE.shape) {
            input = { ...input, shape: this.fixedShape(part, `${path}.type.shape`) };
          }
        }
      }
    }
    return input;
  }

  private fixedShape(message: WireField, path: string): readonly number[] | undefined {
    const sizes = [...this.parts(message, SHAPE.dimension, path)].map((dimension) => {
      const [size] = [...this.inside(dimension)].filter(({ number }) => number === DIMENSION.size);
      return size === undefined ? undefined : this.numbers(size, path)[0];
    });
    return sizes.every((size) => size !== undefined) ? sizes : undefined;
  }

  private *parts(message: WireField, number: number, path: string): Generator<WireField> {
    for (const field of this.inside(this.expect(message, LENGTH_DELIMITED, path))) {
      if (field.number === number) yield this.expect(field, LENGTH_DELIMITED, path);
    }
  }

  private nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > MAX_DEPTH)
      throw invalidField(ONNX_FIELD, `has graphs nested ${this.depth} deep; at most ${MAX_DEPTH}`);
    const result = read();
    this.depth -= 1;
    return result;
  }

  private *fields(start: number, end: number): Generator<WireField> {
    for (const field of wireFields(this.source, start, end)) {
      this.spend();
      yield field;
    }
  }

  private inside({ content, end }: WireField): Generator<WireField> {
    return this.fields(content, end);
  }

  private countPart(): void {
    this.partCount += 1;
    if (this.partCount <= MAX_PARTS) return;
    throw invalidField(
      ONNX_FIELD,
      `has more than ${MAX_PARTS} nodes and tensors; at most ${MAX_PARTS} are allowed`,
    );
  }

  private spend(): void {
    this.left -= 1;
    if (this.left >= 0) return;
    const allowed = `this server allows ${FIELDS_PER_NODE} times --max-nodes`;
    throw invalidField(ONNX_FIELD, `has more than ${this.limit} fields; ${allowed}`);
  }

  private expect(field: WireField, wireType: number, path: string): WireField {
    if (field.wireType === wireType) return field;
    throw invalidField(`${ONNX_FIELD}.${path}`, `has wire type ${field.wireType}; ${wireType} is expected`);
  }

  private text(field: WireField, path: string): string {
    const { content, end } = this.expect(field, LENGTH_DELIMITED, path);
    try {
      return UTF8.decode(this.source.read(content, end));
    } catch (cause) {
      throw new LogahError('invalid_argument', `${ONNX_FIELD}.${path}: is not UTF-8`, {
        cause,
        violations: [{ field: `${ONNX_FIELD}.${path}`, description: 'is not UTF-8' }],
      });
    }
  }

  /** Of a field of one number, or of many packed ones. */
  private numbers(field: WireField, path: string): number[] {
    const { content, end, wireType } = field;
    if (wireType !== VARINT) this.expect(field, LENGTH_DELIMITED, path);
    const numbers: number[] = [];
    for (let position = content; position < end;) {
      this.spend();
      const { value, end: next } = signedVarint(this.source, position, end);
      numbers.push(value);
      position = next;
    }
    return numbers;
  }
}

/** A node as errors name it. */
export function nodeName({ index, name, operator }: OnnxNode): string {
  return `node ${index} ${name === '' ? '' : `${quoted(name)} `}(${quoted(operator)})`;
}
