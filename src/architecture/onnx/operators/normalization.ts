/** Normalizations, as operators of their own or spelled out: a mean, differences, a root, a scale and a bias. */

import { FILLINGS } from '../network';
import {
  isVector,
  sameSources,
  type Data,
  type Normalized,
  type Statistic,
  type Value,
  type Weight,
} from '../values';
import { asData, plain } from './as-data';
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
      if (x?.kind === 'weight' || x?.kind === 'constant') return x;
      const { sources, centred = false } = asData(x, reading);
      const parts = { rooted: false, scale: undefined, offset: undefined, name: ownName(reading) };
      return { kind: 'statistic', sources, centred, ...parts };
    },
  ),
  ...operators(['Sqrt', 'Reciprocal'], 'passed through', (reading) => {
    const [x] = reading.inputs;
    if (x?.kind === 'weight' || x?.kind === 'constant') return x;
    return x?.kind === 'statistic' ? { ...x, rooted: true } : plain(asData(x, reading));
  }),
};

/** A node of scale and bias; where there is neither, nothing. */
function normalization(operation: 'bn' | 'ln' | 'rmsnorm'): (reading: Reading) => Value {
  return (reading) => {
    const [x, scale, bias] = reading.inputs;
    const data = asData(x, reading);
    const weights = [scale, bias].map((value) => (value?.kind === 'weight' ? value.weights[0] : undefined));
    const [first, second] = weights;
    const named = first ?? second;
    if (named === undefined) return plain(data);
    const node = reading.network.node(named.name, operation, vectorShape(named), data.sources, named);
    predictVector(first, node, 'norm_weight', reading);
    predictVector(second, node, 'bias', reading);
    return { kind: 'data', sources: [node] };
  };
}

function vectorShape({ elements, shape }: Weight): readonly number[] {
  return shape.length > 4 ? [elements] : shape;
}

/** The hypernetwork predicts those of one dimension. */
function predictVector(
  weight: Weight | undefined,
  node: number,
  role: 'norm_weight' | 'bias',
  { network }: Reading,
): void {
  if (weight === undefined) return;
  if (weight.shape.length === 1) network.predict(weight, node, role);
  else network.fill(weight, role === 'bias' ? FILLINGS.zeros : FILLINGS.ones);
}

function groupNorm(reading: Reading): Value {
  const [x, scale, bias] = reading.inputs;
  fillNorm(scale, bias, reading);
  const { sources } = asData(x, reading);
  return { kind: 'data', sources, normalized: { by: 'group', node: undefined } };
}

function fillNorm(scale: Value | undefined, bias: Value | undefined, { network }: Reading): void {
  if (scale?.kind === 'weight') for (const weight of scale.weights) network.fill(weight, FILLINGS.ones);
  if (bias?.kind === 'weight') for (const weight of bias.weights) network.fill(weight, FILLINGS.zeros);
}

/** PyTorch writes a group norm as an instance norm of constants, and scales its output. */
function instanceNorm(reading: Reading): Value {
  const [x, scale, bias] = reading.inputs;
  if (!isScaledAgain(reading)) fillNorm(scale, bias, reading);
  const { sources } = asData(x, reading);
  return { kind: 'data', sources, normalized: { by: 'group', node: undefined } };
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
    reading.network.fill(weight, FILLINGS.ones);
    return data;
  }
  return scaled(data, normalized, weight, undefined, reading);
}

/** Its bias, behind the weight or without one. */
export function withNormBias(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const { normalized } = data;
  if (normalized === undefined || !isVector(weight)) return undefined;
  if (normalized.by === 'group') {
    reading.network.fill(weight, FILLINGS.zeros);
    return plain(data);
  }
  if (normalized.node === undefined) return plain(scaled(data, normalized, undefined, weight, reading));
  predictVector(weight, normalized.node, 'bias', reading);
  return plain(data);
}

function scaled(
  data: Data,
  { by }: Normalized,
  scale: Weight | undefined,
  bias: Weight | undefined,
  reading: Reading,
): Data {
  const named = scale ?? bias;
  if (named === undefined || by === 'group') return data;
  const node = reading.network.node(named.name, by, [named.elements], data.sources, named);
  predictVector(scale, node, 'norm_weight', reading);
  predictVector(bias, node, 'bias', reading);
  return { kind: 'data', sources: [node], normalized: { by, node } };
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
    return { kind: 'data', sources, centred: true };
  }
  if (
    (operator !== 'Mul' && operator !== 'Div') ||
    !statistic.rooted ||
    !sameSources(statistic.sources, sources)
  )
    return undefined;
  const by = data.centred === true || statistic.centred ? 'ln' : 'rmsnorm';
  const result: Data = { kind: 'data', sources, normalized: { by, node: undefined } };
  return statistic.scale
    ? scaled(result, { by, node: undefined }, statistic.scale, undefined, reading)
    : result;
}
