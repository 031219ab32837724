/** Normalizations, as operators of their own or spelled out: a mean, differences, a root, a scale and a bias. */

import { FILLINGS } from '../fillings';
import { asVector } from '../orientation';
import {
  isInput,
  isVector,
  sameSources,
  type Data,
  type Normalized,
  type Statistic,
  type Value,
  type Weight,
  type WeightValue,
} from '../values';
import { asData, output, plain } from './as-data';
import { operators, ownName, type Operators, type Reading } from './operator';

export const normalizationOperators: Operators = {
  BatchNormalization: {
    becomes: '`bn`; its running mean and variance are no parameters',
    read: normalization('bn'),
  },
  LayerNormalization: { becomes: '`ln`', read: normalization('ln') },
  RMSNormalization: { becomes: '`rmsnorm`', read: normalization('rmsnorm') },
  SimplifiedLayerNormalization: { becomes: '`rmsnorm`', read: normalization('rmsnorm') },
  GroupNormalization: { becomes: 'by rule', read: groupNorm },
  InstanceNormalization: { becomes: 'by rule', read: instanceNorm },
  // tf2onnx takes the mean of a layer norm by global pooling.
  ...operators(
    ['ReduceMean', 'GlobalAveragePool'],
    '`glob_avg`, unless it is a part of a layer norm (`ln`), an RMS norm (`rmsnorm`) or a squeeze (`cse`)',
    (reading) => {
      const [x] = reading.inputs;
      if (x?.kind === 'weight') return { ...x, view: undefined, reduced: true };
      if (x?.kind === 'constant') return x;
      const { sources, learned, centred = false } = asData(x, reading);
      const parts = { rooted: false, scale: undefined, offset: undefined, name: ownName(reading) };
      return { kind: 'statistic', sources, learned, centred, ...parts };
    },
  ),
  ...operators(
    ['Sqrt', 'Reciprocal'],
    'passed through; of a variance that the file holds: a batch norm',
    (reading) => {
      const [x] = reading.inputs;
      if (x?.kind === 'weight') return rootOf(x, reading);
      if (x?.kind === 'constant') return x;
      return x?.kind === 'statistic' ? { ...x, rooted: true } : plain(asData(x, reading));
    },
  ),
};

/** A node of scale and bias; where there is neither, nothing. */
function normalization(operation: 'bn' | 'ln' | 'rmsnorm'): (reading: Reading) => Value {
  return (reading) => {
    const { network } = reading;
    const [x, scale, bias, ...statistics] = reading.inputs;
    const data = asData(x, reading);
    if (operation === 'bn') {
      for (const [index, value] of statistics.entries()) {
        if (value?.kind !== 'weight') continue;
        for (const weight of value.weights) network.statistic(weight, index === 0 ? MEAN : VARIANCE);
      }
    }
    const [first, second] = learnedScales(scale, bias, reading);
    const named = first ?? second;
    if (named === undefined) return plain(data);
    const node = network.node(named.name, operation, [named.elements], data.sources, named);
    predictVector(first, node, 'norm_weight', reading);
    predictVector(second, node, 'bias', reading);
    return output(node);
  };
}

const MEAN = 'a running mean, which training computes';
const VARIANCE = 'a running variance, which training computes';

/**
 * Scale and bias of a norm that has them as operands; a norm without any has ones and zeros there, as constants or under
 * names that no parameter has.
 */
function learnedScales(
  scale: Value | undefined,
  bias: Value | undefined,
  { network }: Reading,
): [Weight | undefined, Weight | undefined] {
  const [first, second] = [scale, bias].map((value) =>
    value?.kind === 'weight' && value.weights[0] && !network.isStatistic(value.weights[0])
      ? value.weights[0]
      : undefined,
  );
  const isPlain = (weight: Weight | undefined, kind: 'ones' | 'zeros'): boolean =>
    weight === undefined || (!weight.named && weight.content?.kind === kind);
  if (!isPlain(first, 'ones') || !isPlain(second, 'zeros')) return [first, second];
  for (const weight of [first, second]) {
    if (weight) network.constant(weight, 'ones or zeros of a norm that has no parameters');
  }
  return [undefined, undefined];
}

function predictVector(
  weight: Weight | undefined,
  node: number,
  role: 'norm_weight' | 'bias',
  { network }: Reading,
): void {
  if (weight !== undefined) network.predict(weight, node, role, asVector(weight.shape));
}

function groupNorm(reading: Reading): Value {
  const [x, scale, bias] = reading.inputs;
  fillNorm(scale, bias, reading);
  return grouped(asData(x, reading));
}

function grouped({ sources, learned }: Data): Data {
  return { kind: 'data', sources, learned, normalized: { by: 'group', node: undefined } };
}

function fillNorm(scale: Value | undefined, bias: Value | undefined, reading: Reading): void {
  const [first, second] = learnedScales(scale, bias, reading);
  if (first !== undefined) reading.network.fill(first, FILLINGS.ones);
  if (second !== undefined) reading.network.fill(second, FILLINGS.zeros);
}

/** PyTorch writes a group norm as an instance norm of constants, and scales its output. */
function instanceNorm(reading: Reading): Value {
  const [x, scale, bias] = reading.inputs;
  if (isScaledAgain(reading)) {
    for (const value of [scale, bias]) {
      if (value?.kind !== 'weight') continue;
      for (const weight of value.weights)
        reading.network.constant(weight, 'ones or zeros inside a group norm');
    }
  } else fillNorm(scale, bias, reading);
  return grouped(asData(x, reading));
}

function isScaledAgain({ node, readersOf }: Reading): boolean {
  let [name = ''] = node.outputs;
  for (;;) {
    const [reader, ...others] = readersOf(name);
    if (reader === undefined || others.length > 0) return false;
    if (reader.operator === 'Mul') return true;
    if (reader.operator !== 'Reshape' && reader.operator !== 'Cast') return false;
    [name = ''] = reader.outputs;
  }
}

/** The weight of a normalization that is spelled out; undefined where the data is not normalized, or has its weight. */
export function withNormScale(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const { normalized } = data;
  if (normalized === undefined || normalized.node !== undefined || !isVector(weight)) return undefined;
  if (normalized.by === 'group') {
    fillUnlessPlain(weight, 'ones', reading);
    return data;
  }
  return scaled(data, normalized, weight, undefined, reading);
}

/** Its bias, behind the weight or without one. */
export function withNormBias(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const { normalized } = data;
  if (normalized === undefined || !isVector(weight)) return undefined;
  if (normalized.by === 'group') {
    fillUnlessPlain(weight, 'zeros', reading);
    return plain(data);
  }
  if (normalized.node === undefined) return plain(scaled(data, normalized, undefined, weight, reading));
  predictVector(weight, normalized.node, 'bias', reading);
  return plain(data);
}

/** A scale or bias of a group norm, which one without parameters has as ones and zeros. */
function fillUnlessPlain(weight: Weight, kind: 'ones' | 'zeros', { network }: Reading): void {
  const isPlain =
    !weight.named && (weight.content?.kind === kind || (weight.constant && weight.elements === 1));
  if (isPlain) network.constant(weight, 'ones or zeros of a norm that has no parameters');
  else network.fill(weight, FILLINGS[kind]);
}

function scaled(
  data: Data,
  { by }: Pick<Normalized, 'by'>,
  scale: Weight | undefined,
  bias: Weight | undefined,
  reading: Reading,
): Data {
  const named = scale ?? bias;
  if (named === undefined || by === 'group') return data;
  const node = reading.network.node(named.name, by, [named.elements], data.sources, named);
  predictVector(scale, node, 'norm_weight', reading);
  predictVector(bias, node, 'bias', reading);
  return { ...output(node), normalized: { by, node } };
}

/**
 * Data times the root of a variance that the file holds, and the scale with it: a batch norm that is spelled out.
 * Undefined where the weight is none.
 */
export function batchNormalized(data: Data, value: WeightValue, reading: Reading): Data | undefined {
  const { network } = reading;
  const { variances = [], means = [], weights } = value;
  if (variances.length === 0) return undefined;
  for (const weight of variances) network.statistic(weight, VARIANCE);
  for (const weight of means) network.statistic(weight, MEAN);
  const { by, unshifted } = data.shifted ?? {};
  if (by !== undefined) network.statistic(by, MEAN);
  const before = unshifted ?? data;
  const [scale] = weights.filter((weight) => !network.isStatistic(weight));
  const normalized: Normalized = { by: 'bn', node: undefined };
  const result: Data = { ...plain(before), normalized };
  return scale === undefined ? result : scaled(result, normalized, scale, undefined, reading);
}

/** The same where exporters have folded the scale and the root into one vector: what is multiplied after a mean is gone. */
export function rescaled(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const { by, unshifted } = data.shifted ?? {};
  if (by === undefined || unshifted === undefined || isInput(unshifted)) return undefined;
  if (!isVector(weight) || weight.elements !== by.elements) return undefined;
  const { network, node } = reading;
  network.statistic(by, MEAN);
  const normalized: Normalized = { by: 'bn', node: undefined };
  const result: Data = { ...plain(unshifted), normalized };
  if (node.operator !== 'Div') return scaled(result, normalized, weight, undefined, reading);
  network.statistic(weight, 'a running deviation, which training computes');
  return result;
}

/** What is added behind it: the bias, from which the scaled mean may have been taken. Undefined where it is none. */
export function batchShifted(data: Data, value: WeightValue, reading: Reading): Data | undefined {
  const { network } = reading;
  const { variances = [], means = [], weights } = value;
  if (variances.length === 0 || data.normalized?.by !== 'bn') return undefined;
  for (const weight of variances) network.statistic(weight, VARIANCE);
  for (const weight of means) network.statistic(weight, MEAN);
  const [bias] = weights.filter((weight) => !network.isStatistic(weight));
  // A mean that was scaled and taken away, where there is no bias.
  return bias === undefined ? plain(data) : withNormBias(data, bias, reading);
}

/** What a statistic makes of the other operand; undefined where there is none, or it is used as data. */
export function withStatistic(values: readonly Value[], reading: Reading): Value | undefined {
  const [first, second] = values;
  if (first?.kind === 'statistic' && second?.kind === 'statistic') return together(first, second, reading);
  const statistic = values.find((value) => value.kind === 'statistic');
  const other = values.find((value) => value !== statistic);
  if (statistic === undefined) return undefined;
  const { operator } = reading.node;
  switch (other?.kind) {
    case undefined:
    case 'constant':
      return operator === 'Pow' ? { ...statistic, rooted: true } : statistic;
    case 'weight':
      return weightInStatistic(statistic, other.weights, reading);
    case 'data':
      return dataWithStatistic(other, statistic, reading);
    case 'lookup':
      return dataWithStatistic(asData(other, reading), statistic, reading);
    case 'statistic':
      return undefined;
  }
}

/** Of the same data: parts of one normalization. Or one is global pooling, and the other is of that. */
function together(a: Statistic, b: Statistic, reading: Reading): Value | undefined {
  if (!sameSources(a.sources, b.sources)) {
    const [pooling, other] = reading.network.has(a.name) ? [a, b] : [b, a];
    if (!reading.network.has(pooling.name)) return undefined;
    return dataWithStatistic(asData(pooling, reading), other, reading);
  }
  return {
    ...a,
    learned: a.learned || b.learned,
    centred: a.centred || b.centred,
    rooted: a.rooted || b.rooted,
    scale: a.scale ?? b.scale,
    offset: a.offset ?? b.offset,
  };
}

/** Keras multiplies the root by the scale and takes the scaled mean from the bias. */
function weightInStatistic(
  statistic: Statistic,
  [weight, ...others]: readonly Weight[],
  { node }: Reading,
): Statistic | undefined {
  if (weight === undefined || others.length > 0 || !statistic.rooted) return undefined;
  if (weight.elements === 1) return statistic;
  if (!isVector(weight)) return undefined;
  return node.operator === 'Mul' ? { ...statistic, scale: weight } : { ...statistic, offset: weight };
}

function dataWithStatistic(data: Data, statistic: Statistic, reading: Reading): Data | undefined {
  const { operator } = reading.node;
  const { sources, normalized } = data;
  if (operator === 'Add' || operator === 'Sub') {
    if (normalized && statistic.offset) return withNormBias(data, statistic.offset, reading);
    if (statistic.rooted || !sameSources(statistic.sources, sources)) return undefined;
    return { kind: 'data', sources, learned: data.learned, centred: true };
  }
  if (
    (operator !== 'Mul' && operator !== 'Div') ||
    !statistic.rooted ||
    !sameSources(statistic.sources, sources)
  )
    return undefined;
  const by = data.centred === true || statistic.centred ? 'ln' : 'rmsnorm';
  const result: Data = { kind: 'data', sources, learned: data.learned, normalized: { by, node: undefined } };
  return statistic.scale ? scaled(result, { by }, statistic.scale, undefined, reading) : result;
}

/** The root of weights: of vectors as they are, a variance; of what was summed up, the norm of a weight; or of a number. */
export function rootOf(value: WeightValue, { node }: Reading): WeightValue {
  const { weights, variances, reduced } = value;
  if (reduced === true || variances !== undefined) return value;
  if (node.operator === 'Reciprocal' || !weights.every(isVector)) return value;
  if (weights.every(({ elements, named }) => elements === 1 && !named)) return value;
  return { ...value, weights: [], variances: weights };
}
