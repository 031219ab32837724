/** Layers with a matrix or a kernel: Conv, Gemm, MatMul, Einsum, and those that no hypernetwork predicts. */

import { uniform, uniformOf } from '../fillings';
import { fanIn } from '../../../graph/graph';
import { asStored, oriented, type Orientation } from '../orientation';
import { isInput, type Data, type Value, type Weight, type WeightValue } from '../values';
import { lastTwoExchanged, wholeView, type View } from '../weight-view';
import { asData, joined, output } from './as-data';
import { attentionOver, scoresOf } from './attention';
import { biasedBy } from './bias';
import { weightIndices, type EinsumIndices } from './einsum';
import { joinedLayers } from './joined-layers';
import { intAttribute, intsAttribute, operators, type Operators, type Reading } from './operator';
import { mainOf, multipliedWeights } from './weight-products';

export const linearOperators: Operators = {
  Conv: {
    becomes:
      '`conv`; with groups `sep_conv`, dilated too `dil_conv`; its bias a `bias`. In one dimension or three: by rule',
    read: convolution,
  },
  Gemm: { becomes: '`conv`, its bias a `bias`', read: gemm },
  MatMul: {
    becomes: '`conv` with a weight of two dimensions, of others by rule; of two activations: attention',
    read: matMul,
  },
  Einsum: { becomes: 'as MatMul, whatever its equation', read: einsum },
  ...operators(['ConvTranspose'], 'by rule', (reading) => {
    const [x, weight, bias] = reading.inputs;
    const data = asData(x, reading);
    if (weight?.kind !== 'weight') return joined(reading.inputs, reading);
    const outputs = (weight.view?.[1]?.size ?? 1) * intAttribute(reading, 'group', 1);
    const { shape } = mainOf(weight, reading);
    return withBias(unpredicted(data, weight, reading, fanIn(shape), outputs), bias, reading);
  }),
  ...operators(['DeformConv'], 'by rule', (reading) => {
    const [x, weight, , bias] = reading.inputs;
    const data = asData(x, reading);
    if (weight?.kind !== 'weight') return joined(reading.inputs, reading);
    const main = mainOf(weight, reading);
    return withBias(unpredicted(data, weight, reading, fanIn(main.shape), main.shape[0] ?? 1), bias, reading);
  }),
  ...operators(['LSTM', 'GRU', 'RNN'], 'by rule; initial states are no parameters', recurrent),
};

function convolution(reading: Reading): Value {
  const [x, weight, bias] = reading.inputs;
  if (weight?.kind !== 'weight') return joined(reading.inputs, reading);
  const data = asData(x, reading);
  const { shape } = mainOf(weight, reading);
  const view = weight.view ?? wholeView(shape) ?? [];
  const outputs = view[0]?.size ?? 1;
  const kernel = view.length === 4 ? oriented(shape, view, [[0], [1], [2], [3]]) : undefined;
  if (kernel === undefined) {
    const inputs = view.slice(1).reduce((product, { size }) => product * size, 1);
    return withBias(unpredicted(data, weight, reading, inputs, outputs), bias, reading);
  }
  const dilations = intsAttribute(reading, 'dilations');
  const grouped = intAttribute(reading, 'group', 1) > 1;
  const dilated = dilations.length > 0 && dilations.every((dilation) => dilation > 1);
  const operation = grouped ? (dilated ? 'dil_conv' : 'sep_conv') : 'conv';
  return withBias(layer(data, weight, operation, kernel, outputs, reading), bias, reading);
}

function gemm(reading: Reading): Value {
  const [a, b, bias] = reading.inputs;
  const turned = (value: Value | undefined, name: string): Value | undefined =>
    value?.kind === 'weight' && intAttribute(reading, name, 0) === 1
      ? { ...value, view: lastTwoExchanged(value.view) }
      : value;
  const [left, right] = [turned(a, 'transA'), turned(b, 'transB')];
  if (left?.kind === 'weight' && right?.kind === 'weight') return multipliedWeights(left, right, reading);
  if (right?.kind === 'weight' && isStoredForProduct(right)) {
    const data = asData(left, reading);
    const main = mainOf(right, reading);
    const stored = asStored(main.shape, 1);
    return withBias(layer(data, right, 'conv', stored, main.shape[1] ?? 1, reading), bias, reading);
  }
  const result = product(left, right, reading);
  return result.kind === 'data' ? withBias(result, bias, reading) : result;
}

/**
 * The `Conv1D` of transformers: the framework itself has the weight as [in, out], under its own name, and so the
 * hypernetworks know it (`docs/decisions/010-gpt2-graph.md`).
 */
function isStoredForProduct({ weights, view, parts }: WeightValue): boolean {
  const [main, ...others] = weights;
  return (
    others.length === 0 &&
    parts === undefined &&
    main?.shape.length === 2 &&
    main.named &&
    main.name.endsWith('.weight') &&
    view?.length === 2 &&
    view.every(({ of }, axis) => of.length === 0 || of[0] === axis)
  );
}

function matMul(reading: Reading): Value {
  const [a, b, ...others] = reading.inputs;
  return others.length > 0 ? joined(reading.inputs, reading) : product(a, b, reading);
}

function product(a: Value | undefined, b: Value | undefined, reading: Reading): Value {
  if (a?.kind === 'weight' && b?.kind === 'weight') return multipliedWeights(a, b, reading);
  if (b?.kind === 'weight') return multiplied(asData(a, reading), b, lastIndices(b, 'right'), reading);
  if (a?.kind === 'weight') return multiplied(asData(b, reading), a, lastIndices(a, 'left'), reading);
  const [left, right] = [asData(a, reading), asData(b, reading)];
  return attentionOver(left, right, reading) ?? scoresOf(left, right, reading);
}

/** `MatMul` sums over the last dimension but one of what stands right, and over the last of what stands left. */
function lastIndices({ view, weights }: WeightValue, side: 'left' | 'right'): EinsumIndices {
  const rank = (view ?? weights[0]?.shape ?? []).length;
  const [last, beforeLast] = [rank - 1, rank - 2];
  if (rank < 2) return { inputs: rank === 1 ? [0] : [], outputs: [] };
  return side === 'right'
    ? { inputs: [beforeLast], outputs: [last] }
    : { inputs: [last], outputs: [beforeLast] };
}

function einsum(reading: Reading): Value {
  const [a, b, ...others] = reading.inputs;
  if (others.length > 0 || a === undefined || b === undefined) return joined(reading.inputs, reading);
  const equation = reading.node.attributes.get('equation')?.text ?? '';
  if (a.kind === 'weight' && b.kind === 'weight') return multipliedWeights(a, b, reading);
  const [weight, data, at] = b.kind === 'weight' ? [b, a, 1 as const] : [a, b, 0 as const];
  if (weight.kind !== 'weight') return product(a, b, reading);
  const rank = (weight.view ?? weight.weights[0]?.shape ?? []).length;
  const indices = weightIndices(equation, at, rank) ?? lastIndices(weight, at === 1 ? 'right' : 'left');
  return multiplied(asData(data, reading), weight, indices, reading);
}

/** Data times a weight, of which it sums over some dimensions and makes features of others. */
function multiplied(data: Data, weight: WeightValue, indices: EinsumIndices, reading: Reading): Data {
  if (weight.parts !== undefined) return multipliedParts(data, weight.parts, indices, reading);
  const main = mainOf(weight, reading);
  const view: View = weight.view ?? wholeView(main.shape);
  const size = (axes: readonly number[]): number =>
    axes.reduce((total, axis) => total * (view?.[axis]?.size ?? 1), 1);
  const [inputs, outputs] = [size(indices.inputs), size(indices.outputs)];
  if (isInput(data) && isComputed(main)) {
    reading.network.constant(
      main,
      'computed, not learned: what the input is multiplied with before any layer',
    );
    return { kind: 'data', sources: data.sources, learned: false };
  }
  const isMatrix = main.shape.filter((each) => each > 1).length <= 2 && main.shape.length !== 3;
  const orientation =
    isMatrix && indices.outputs.length > 0
      ? oriented(main.shape, view, [indices.outputs, indices.inputs])
      : undefined;
  if (orientation === undefined) return unpredicted(data, weight, reading, inputs, outputs);
  return (
    joinedLayers(data, main, orientation, reading) ??
    layer(data, weight, 'conv', orientation, outputs, reading)
  );
}

/** Mel banks, Fourier matrices and the like. */
function isComputed({ content }: Weight): boolean {
  return content?.kind === 'structured' || (content?.nonNegative === true && content.kind === 'other');
}

/** Weights side by side are layers on the same data; their outputs stand side by side too, or are summed. */
function multipliedParts(
  data: Data,
  { axis, values }: NonNullable<WeightValue['parts']>,
  indices: EinsumIndices,
  reading: Reading,
): Data {
  const results = values.map((value) => multiplied(data, value, indices, reading));
  const features = results.map((result) => result.features ?? 0);
  const together = indices.outputs.includes(axis)
    ? features.reduce((sum, count) => sum + count, 0)
    : Math.max(...features);
  return {
    kind: 'data',
    sources: reading.network.union(results.map(({ sources }) => sources)),
    learned: true,
    features: together,
  };
}

/** A node for the weight; none where it is an embedding's table, which the head shares. */
function layer(
  data: Data,
  weight: WeightValue,
  operation: string,
  orientation: Orientation,
  features: number,
  reading: Reading,
): Data {
  const { network } = reading;
  const main = mainOf(weight, reading);
  const kept = data.pooled === undefined ? {} : { pooled: data.pooled };
  if (network.isTable(main)) {
    network.shareTable(main);
    return { kind: 'data', sources: data.sources, learned: true, features, ...kept };
  }
  const node = network.node(main.name, operation, orientation.shape, data.sources, main);
  network.predict(main, node, 'matrix', orientation);
  return { ...output(node), features, ...kept };
}

function withBias(data: Data, bias: Value | undefined, reading: Reading): Data {
  return bias?.kind === 'weight' ? (biasedBy(data, bias, reading) ?? data) : data;
}

/** By PyTorch's rule, which draws the bias as it does the weight; such layers have no node. */
function unpredicted(
  data: Data,
  weight: WeightValue,
  reading: Reading,
  inputs: number,
  features: number,
): Data {
  const filling = uniformOf(inputs);
  const main = mainOf(weight, reading);
  reading.network.fill(main, filling);
  const bound = filling.rule === 'uniform' ? filling.bound : 0;
  return { kind: 'data', sources: data.sources, learned: true, features, bound };
}

/** Weights and biases uniform by the hidden size, as PyTorch has them. */
function recurrent(reading: Reading): Value {
  const { network } = reading;
  const [x, weights, recurrence, bias, , ...states] = reading.inputs;
  // Peepholes stand behind the states of an LSTM.
  const peepholes = reading.node.operator === 'LSTM' ? states.splice(2, 1) : [];
  const main = recurrence?.kind === 'weight' ? recurrence.weights[0] : undefined;
  const hidden = intAttribute(reading, 'hidden_size', main?.shape.at(-1) ?? 1);
  const filling = uniform(1 / Math.sqrt(Math.max(1, hidden)));
  for (const value of [weights, recurrence, bias, ...peepholes]) {
    if (value?.kind === 'weight') for (const weight of value.weights) network.fill(weight, filling);
  }
  for (const state of states) {
    if (state?.kind !== 'weight') continue;
    for (const weight of state.weights) {
      const { named, content } = weight;
      const isLearned = named && (content?.kind === 'drawn' || content?.kind === 'other');
      if (isLearned) network.fill(weight, { rule: 'normal', standardDeviation: content.deviation });
      else network.constant(weight, 'an initial state');
    }
  }
  return { kind: 'data', sources: asData(x, reading).sources, learned: true };
}
