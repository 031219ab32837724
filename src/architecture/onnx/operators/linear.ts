/** Layers with a matrix or a kernel: Conv, Gemm, MatMul, Einsum, and those that no hypernetwork predicts. */

import { elementCount, type Filling } from '../../../graph/graph';
import { fanIn, FILLINGS, uniformOf } from '../network';
import type { Data, Value, Weight, WeightValue } from '../values';
import { asData, joined, plain } from './as-data';
import { attentionOver, scoresOf } from './attention';
import { intAttribute, intsAttribute, operators, type Operators, type Reading } from './operator';

export const linearOperators: Operators = {
  Conv: {
    becomes:
      '`conv`; with groups `sep_conv`, dilated too `dil_conv`; its bias a `bias`. In one dimension: by rule',
    read: convolution,
  },
  Gemm: { becomes: '`conv`, its bias a `bias`', read: gemm },
  MatMul: {
    becomes: '`conv` with a weight of two dimensions, of others by rule; of two activations: attention',
    read: matMul,
  },
  Einsum: { becomes: 'as MatMul', read: matMul },
  ...operators(['ConvTranspose'], 'by rule', (reading) => {
    const [x, weight, bias] = reading.inputs;
    const data = asData(x, reading);
    return weight?.kind === 'weight'
      ? unpredicted(data, weight, bias, reading)
      : joined(reading.inputs, reading);
  }),
  ...operators(['LSTM', 'GRU', 'RNN'], 'by rule', recurrent),
};

function convolution(reading: Reading): Value {
  const [x, weight, bias] = reading.inputs;
  if (weight?.kind !== 'weight') return joined(reading.inputs, reading);
  const data = asData(x, reading);
  const { shape } = mainOf(weight, reading);
  if (shape.length !== 4) return unpredicted(data, weight, bias, reading);
  const dilations = intsAttribute(reading, 'dilations');
  const grouped = intAttribute(reading, 'group', 1) > 1;
  const dilated = dilations.length > 0 && dilations.every((dilation) => dilation > 1);
  const operation = grouped ? (dilated ? 'dil_conv' : 'sep_conv') : 'conv';
  return withBias(layer(data, weight, operation, shape[0] ?? 1, reading), bias, reading);
}

function gemm(reading: Reading): Value {
  const [a, b, bias] = reading.inputs;
  const transposed = (value: Value | undefined, name: string): Value | undefined =>
    value?.kind === 'weight' && intAttribute(reading, name, 0) === 1
      ? { ...value, transposed: !value.transposed }
      : value;
  return withBias(product(transposed(a, 'transA'), transposed(b, 'transB'), reading), bias, reading);
}

function matMul(reading: Reading): Value {
  const [a, b, ...others] = reading.inputs;
  return others.length > 0 ? joined(reading.inputs, reading) : product(a, b, reading);
}

function product(a: Value | undefined, b: Value | undefined, reading: Reading): Value {
  if (b?.kind === 'weight') return multiplied(asData(a, reading), b, 1, reading);
  if (a?.kind === 'weight') return multiplied(asData(b, reading), a, 0, reading);
  const [left, right] = [asData(a, reading), asData(b, reading)];
  return attentionOver(left, right, reading) ?? scoresOf(left, right, reading);
}

/** Data times a matrix whose dimension `out`, 0 or 1, is that of the results. */
function multiplied(data: Data, weight: WeightValue, out: 0 | 1, reading: Reading): Data {
  const { shape } = mainOf(weight, reading);
  if (shape.length === 4) return layer(data, weight, 'conv', shape[0] ?? 1, reading);
  if (shape.length !== 2) return unpredicted(data, weight, undefined, reading, shape.at(-2) ?? shape[0]);
  const features = shape[weight.transposed ? 1 - out : out] ?? 1;
  return layer(data, weight, 'conv', features, reading);
}

/** A node for the weight; none where it is an embedding's table, which the head shares. */
function layer(data: Data, weight: WeightValue, operation: string, features: number, reading: Reading): Data {
  const { network } = reading;
  const main = mainOf(weight, reading);
  const kept = data.pooled === undefined ? {} : { pooled: data.pooled };
  if (network.isTable(main)) {
    network.shareTable(main);
    return { kind: 'data', sources: data.sources, features, ...kept };
  }
  const node = network.node(main.name, operation, main.shape, data.sources, main);
  network.predict(main, node, 'matrix');
  return { kind: 'data', sources: [node], features, ...kept };
}

/** The largest of weights that are computed with each other; the others are scales, as of a weight norm. */
function mainOf({ weights }: WeightValue, { network }: Reading): Weight {
  const [main, ...others] = [...weights].sort((a, b) => b.elements - a.elements);
  if (main === undefined) throw new Error('a weight of no weights');
  for (const other of others) network.fill(other, FILLINGS.ones);
  return main;
}

function withBias(data: Value, bias: Value | undefined, reading: Reading): Value {
  const weight = bias?.kind === 'weight' ? bias.weights[0] : undefined;
  return data.kind === 'data' && weight !== undefined ? (biased(data, weight, reading) ?? data) : data;
}

/** A bias of as many elements as the layer before has features; undefined where it is none. */
export function biased(data: Data, weight: Weight, { network }: Reading): Data | undefined {
  // Keras has biases of heads by size, behind a reshaping.
  if (data.features === undefined || weight.elements !== data.features) return undefined;
  const node = network.node(weight.name, 'bias', [weight.elements], data.sources, weight);
  // The hypernetwork predicts biases of one dimension.
  if (weight.shape.length === 1) network.predict(weight, node, 'bias');
  else network.fill(weight, FILLINGS.zeros);
  return plain({ ...data, sources: [node] });
}

/** By PyTorch's rule; such layers have no node. */
function unpredicted(
  data: Data,
  weight: WeightValue,
  bias: Value | undefined,
  reading: Reading,
  inputs?: number,
): Data {
  const main = mainOf(weight, reading);
  const filling: Filling = uniformOf(inputs ?? fanIn(main.shape));
  reading.network.fill(main, filling);
  if (bias?.kind === 'weight') for (const each of bias.weights) reading.network.fill(each, filling);
  return { kind: 'data', sources: data.sources };
}

/** Weights and biases uniform by the hidden size, as PyTorch has them. */
function recurrent(reading: Reading): Value {
  const [x, ...others] = reading.inputs;
  const recurrence = others[1]?.kind === 'weight' ? others[1].weights[0] : undefined;
  const hidden = intAttribute(reading, 'hidden_size', recurrence?.shape.at(-1) ?? 1);
  for (const value of others) {
    if (value?.kind !== 'weight') continue;
    for (const weight of value.weights)
      if (elementCount(weight.shape) > 0) reading.network.fill(weight, uniformOf(hidden));
  }
  return { kind: 'data', sources: asData(x, reading).sources };
}
