/** Reads an ONNX file into an architecture graph; `docs/decisions/012-onnx-front-end.md` says how. */

import { invalidField } from '../../errors';
import type { ArchitectureGraph } from '../../graph/graph';
import type { GraphLimits } from '../../graph/limits';
import { validateGraph } from '../../graph/validate';
import { quoted } from '../../graph/violations';
import { FLOAT_TYPES } from '../../onnx-file/fields';
import type { TensorContent } from '../../onnx-file/content';
import { tensorContents } from '../../onnx-file/summarise';
import { memorySource } from '../../onnx-file/wire';
import { foldedWarning, mergedWarning } from './file-warnings';
import { flattened } from './flatten';
import { withWeightConstants } from './weight-constants';
import { withWeightInputs } from './weight-inputs';
import { isStandard, ONNX_FIELD, type OnnxModel, type OnnxNode, type OnnxTensor } from './model';
import { Network } from './network';
import { ML_OPERATORS, OPERATORS } from './operators';
import { layerOf } from './operators/attention';
import type { Operator, Reading } from './operators/operator';
import { orderedNodes } from './order';
import { nodeName, readModel } from './read-model';
import { findRotary } from './rotary';
import { CONSTANT, type Value } from './values';
import { Weights } from './weights';

/**
 * Throws LogahError `invalid_argument` that names the node or tensor at fault: no ONNX file, operators that are not
 * read, cycles, limits exceeded. Time and memory are bounded by the limits, whatever the bytes say.
 */
export function onnxGraph(
  bytes: Uint8Array,
  limits: GraphLimits,
  contents: readonly TensorContent[] = [],
): ArchitectureGraph {
  const whole = flattened(readModel(bytes, limits.maxNodes), limits.maxNodes * EXPANDED);
  const model = withWeightInputs(withWeightConstants(whole));
  const seen = contents.length > 0 ? contents : tensorContents(memorySource(bytes));
  const nodes = orderedNodes(model);
  const operators = nodes.map(operatorOf);
  const network = new Network(limits);
  const weights = new Weights(seen, model.initializers);
  const values = initialValues(model, nodes, weights);
  const context = readingContext(model, nodes);
  const inputIsData = hasDataInput(model);
  nodes.forEach((node, index) => {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const integersOf = (input: number): readonly number[] | undefined =>
      context.integers.get(node.inputs[input] ?? '');
    const reading = { ...context, network, weights, inputIsData, node, inputs, integersOf };
    const value = read(operators[index] as Operator, reading);
    const parts = node.operator === 'Split' && value.kind === 'data' ? value.parts : undefined;
    node.outputs.forEach((name, at) => {
      if (name !== '') values.set(name, parts?.[at] ?? value);
    });
  });
  for (const name of model.outputs) keepOutput(values.get(name), network);
  markClassifier(model, values, network);
  const account = network.account(weights, reaching(model, nodes));
  const warnings = [foldedWarning(nodes, weights.inOrder()), mergedWarning(account.merged)];
  const graph = {
    ...network.build(model.name, account),
    warnings: warnings.filter((warning) => warning !== undefined),
  };
  if (graph.parameters.length === 0)
    throw invalidField(ONNX_FIELD, 'has no weights that an output depends on');
  validateGraph(graph, limits);
  return graph;
}

function hasDataInput({ inputs, initializers }: OnnxModel): boolean {
  const own = new Set(initializers.map(({ name }) => name));
  const [only, ...others] = inputs.filter(({ name }) => !own.has(name));
  return only !== undefined && others.length === 0 && FLOAT_TYPES.has(only.dataType);
}

/** Operators for each node that is allowed, once functions are written out. */
const EXPANDED = 50;

function operatorOf(node: OnnxNode): Operator {
  const { domain, operator, attributes } = node;
  const found = isStandard(node)
    ? OPERATORS.get(operator)
    : domain === 'ai.onnx.ml'
      ? ML_OPERATORS.get(operator)
      : undefined;
  if (found !== undefined || isConstant(node)) return found ?? NOTHING;
  if ([...attributes.values()].some(({ graph }) => graph !== undefined)) {
    const wayOut = 'export the network with its loops unrolled, for one fixed length';
    throw invalidField(ONNX_FIELD, `${nodeName(node)} has a graph inside, which is not supported: ${wayOut}`);
  }
  const where = isStandard(node) ? '' : ` of the domain ${quoted(domain)}`;
  const wayOut = isStandard(node)
    ? 'leave it out of the exported part, if it has no weights'
    : "export the model with ONNX's own operators, or send it from before it was optimised or quantised";
  throw invalidField(
    ONNX_FIELD,
    `${nodeName(node)} is of an operator${where} that is not supported; ${wayOut}`,
  );
}

const NOTHING: Operator = { becomes: 'a weight, or a number', read: () => CONSTANT };

function isConstant(node: OnnxNode): boolean {
  return node.operator === 'Constant' && isStandard(node);
}

function initialValues(
  { inputs, initializers }: OnnxModel,
  nodes: readonly OnnxNode[],
  weights: Weights,
): Map<string, Value> {
  const quantized = new Set(
    nodes.flatMap(({ operator, inputs: [name] }) => (operator === 'DequantizeLinear' && name ? [name] : [])),
  );
  const values = new Map<string, Value>();
  for (const { name } of inputs) values.set(name, { kind: 'data', sources: [0], learned: false });
  for (const tensor of initializers) {
    values.set(tensor.name, weights.add(tensor.name, tensor, false, quantized.has(tensor.name)));
  }
  for (const [name, value] of weights.resolved()) values.set(name, value);
  return values;
}

type Context = Pick<Reading, 'rotary' | 'readersOf' | 'makerOf' | 'integers'>;

function readingContext(model: OnnxModel, nodes: readonly OnnxNode[]): Context {
  const makers = new Map<string, OnnxNode>();
  const readers = new Map<string, OnnxNode[]>();
  const integers = new Map<string, readonly number[]>();
  for (const { name, integers: known } of model.initializers) if (known) integers.set(name, known);
  for (const node of nodes) {
    const own = isConstant(node) ? constantIntegers(node) : undefined;
    for (const name of node.outputs) {
      if (name !== '') makers.set(name, node);
      if (own !== undefined) integers.set(name, own);
    }
    for (const name of new Set(node.inputs)) {
      if (name === '') continue;
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  const makerOf = (name: string): OnnxNode | undefined => makers.get(name);
  return {
    makerOf,
    readersOf: (name) => readers.get(name) ?? [],
    rotary: findRotary(nodes, makerOf),
    integers,
  };
}

function constantIntegers({ attributes }: OnnxNode): readonly number[] | undefined {
  const [tensor, list, one] = ['value', 'value_ints', 'value_int'].map((name) => attributes.get(name));
  if (tensor?.tensor !== undefined) return tensor.tensor.integers;
  return list?.ints ?? (one?.int === undefined ? undefined : [one.int]);
}

function read(operator: Operator, reading: Reading): Value {
  const { node, inputs, rotary, weights, network } = reading;
  const [name = node.name] = node.outputs;
  if (isConstant(node)) {
    const tensor = node.attributes.get('value')?.tensor;
    return tensor === undefined ? CONSTANT : weights.add(name, tensor, true);
  }
  if (rotary.angles.has(node)) {
    for (const value of inputs) {
      if (value?.kind !== 'weight') continue;
      for (const weight of value.weights) network.constant(weight, 'frequencies of a rotary embedding');
    }
    return CONSTANT;
  }
  if (
    inputs.every((value) => value === undefined || value.kind === 'constant') &&
    node.operator !== 'ConstantOfShape'
  ) {
    return CONSTANT;
  }
  const [input] = inputs;
  const isCopy = node.operator === 'Identity' && reading.makerOf(node.inputs[0] ?? '') === undefined;
  if (isCopy && input?.kind === 'weight') {
    const [weight] = input.weights;
    if (weight !== undefined) return weights.copy(name, weight);
  }
  return operator.read(reading);
}

/** Weights that are results as they are: what a layer reads decides, where one does. */
function keepOutput(value: Value | undefined, network: Network): void {
  if (value?.kind !== 'weight') return;
  for (const weight of value.weights) network.suggest(weight, 'a result of the network as it is');
}

/** Tensors of the file that an output depends on. */
function reaching({ initializers, outputs }: OnnxModel, nodes: readonly OnnxNode[]): OnnxTensor[] {
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...outputs]);
  return initializers.filter(({ name }) => read.has(name));
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
