/** Reads an ONNX file into an architecture graph; `docs/decisions/012-onnx-front-end.md` says how. */

import { invalidField } from '../../errors';
import { elementCount, type ArchitectureGraph } from '../../graph/graph';
import type { GraphLimits } from '../../graph/limits';
import { validateGraph } from '../../graph/validate';
import { quoted } from '../../graph/violations';
import { FLOAT_TYPES } from '../../onnx-file/fields';
import { ONNX_FIELD, type OnnxModel, type OnnxNode, type OnnxTensor } from './model';
import { Network } from './network';
import { OPERATORS } from './operators';
import { layerOf } from './operators/attention';
import type { Operator, Reading } from './operators/operator';
import { orderedNodes } from './order';
import { nodeName, readModel } from './read-model';
import { findRotary } from './rotary';
import { CONSTANT, type Value, type Weight } from './values';

/**
 * Throws LogahError `invalid_argument` that names the node or tensor at fault: no ONNX file, operators that are not
 * read, cycles, limits exceeded. Time and memory are bounded by the limits, whatever the bytes say.
 */
export function onnxGraph(bytes: Uint8Array, limits: GraphLimits): ArchitectureGraph {
  const model = readModel(bytes, limits.maxNodes);
  const nodes = orderedNodes(model);
  const operators = nodes.map(operatorOf);
  const network = new Network(limits);
  const weights = new Weights();
  const values = initialValues(model, weights);
  const context = readingContext(nodes);
  nodes.forEach((node, index) => {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const value = read(operators[index] as Operator, { ...context, network, node, inputs }, weights);
    for (const name of node.outputs) if (name !== '') values.set(name, value);
  });
  markClassifier(model, values, network);
  const graph = network.build(model.name, weights.inOrder());
  if (graph.parameters.length === 0)
    throw invalidField(ONNX_FIELD, 'has no weights that an output depends on');
  validateGraph(graph, limits);
  return graph;
}

/** Tensors that may be parameters: those of the file in its order, then those that nodes make. */
class Weights {
  private readonly all = new Map<string, Weight>();

  /** The value of a tensor: a weight if it is of floating point and has dimensions. */
  add(name: string, { shape, dataType }: OnnxTensor, constant: boolean): Value {
    const elements = elementCount(shape);
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(elements)) {
      throw invalidField(ONNX_FIELD, `tensor ${quoted(name)} has the shape ${quoted(shape)}`);
    }
    if (!FLOAT_TYPES.has(dataType) || shape.length === 0 || elements === 0) return CONSTANT;
    const weight = { name, shape, elements, constant };
    this.all.set(name, weight);
    return { kind: 'weight', weights: [weight], transposed: false };
  }

  /**
   * A copy by `Identity` has a name of its own: PyTorch writes so what is equal at export, such as biases that are
   * all zero.
   */
  copy(name: string, original: Weight): Value {
    const weight = { ...original, name };
    this.all.set(name, weight);
    return { kind: 'weight', weights: [weight], transposed: false };
  }

  inOrder(): Iterable<Weight> {
    return this.all.values();
  }
}

function operatorOf(node: OnnxNode): Operator {
  const { domain, operator, attributes } = node;
  const found = domain === '' || domain === 'ai.onnx' ? OPERATORS.get(operator) : undefined;
  if (found !== undefined || isConstant(node)) return found ?? NOTHING;
  if ([...attributes.values()].some(({ isGraph }) => isGraph)) {
    throw invalidField(ONNX_FIELD, `${nodeName(node)} has a graph inside; control flow is not supported`);
  }
  const where = domain === '' || domain === 'ai.onnx' ? '' : ` of the domain ${quoted(domain)}`;
  throw invalidField(ONNX_FIELD, `${nodeName(node)} is of an operator${where} that is not supported`);
}

const NOTHING: Operator = { becomes: 'a weight, or a number', read: () => CONSTANT };

function isConstant({ operator, domain }: OnnxNode): boolean {
  return operator === 'Constant' && (domain === '' || domain === 'ai.onnx');
}

function initialValues({ inputs, initializers }: OnnxModel, weights: Weights): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const name of inputs) values.set(name, { kind: 'data', sources: [0] });
  for (const tensor of initializers) values.set(tensor.name, weights.add(tensor.name, tensor, false));
  return values;
}

type Context = Pick<Reading, 'rotary' | 'readersOf' | 'makerOf'>;

function readingContext(nodes: readonly OnnxNode[]): Context {
  const makers = new Map<string, OnnxNode>();
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const name of node.outputs) if (name !== '') makers.set(name, node);
    for (const name of new Set(node.inputs)) {
      if (name === '') continue;
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  const makerOf = (name: string): OnnxNode | undefined => makers.get(name);
  return { makerOf, readersOf: (name) => readers.get(name) ?? [], rotary: findRotary(nodes, makerOf) };
}

function read(operator: Operator, reading: Reading, weights: Weights): Value {
  const { node, inputs, rotary } = reading;
  const [name = node.name] = node.outputs;
  if (isConstant(node)) {
    const tensor = node.attributes.get('value')?.tensor;
    return tensor === undefined ? CONSTANT : weights.add(name, tensor, true);
  }
  if (rotary.angles.has(node) || inputs.every((value) => value === undefined || value.kind === 'constant')) {
    return CONSTANT;
  }
  const [input] = inputs;
  if (
    node.operator === 'Identity' &&
    input?.kind === 'weight' &&
    reading.makerOf(node.inputs[0] ?? '') === undefined
  ) {
    const [weight] = input.weights;
    if (weight !== undefined) return weights.copy(name, weight);
  }
  return operator.read(reading);
}

/** The last layer before the first output. */
function markClassifier({ outputs }: OnnxModel, values: ReadonlyMap<string, Value>, network: Network): void {
  const value = values.get(outputs[0] ?? '');
  if (value?.kind !== 'data') return;
  const layer = layerOf(value.sources, network);
  const last = layer.at(-1);
  if (last === undefined || network.at(last).node.shape.length !== 2) return;
  for (const node of layer) network.setClassifier(node);
}
