/** Operators on two values, element by element: sums, biases, gates, scales. */

import { FILLINGS } from '../network';
import {
  CONSTANT,
  isInput,
  isVector,
  sameSources,
  type Data,
  type Value,
  type Weight,
  type WeightValue,
} from '../values';
import { asData, fillTokens, joined, learned, plain, structural, weightsTogether } from './as-data';
import { layerOf, rotated } from './attention';
import { biased } from './linear';
import { withNormBias, withNormScale, withStatistic } from './normalization';
import { operators, type Operators, type Reading } from './operator';
import { positioned } from './positions';

export const elementwiseOperators: Operators = {
  ...operators(
    ['Add', 'Sum', 'Mean'],
    '`sum` of two branches; `bias`; `pos_enc` with a table of positions',
    sum,
  ),
  ...operators(
    ['Mul'],
    '`cse` by a gate behind global pooling; `gate` of two layers; the scale of a norm; others by rule',
    multiply,
  ),
  ...operators(['Sub', 'Div', 'Pow', 'Max', 'Min', 'Mod'], 'passed through; weights by rule', other),
  PRelu: {
    becomes: 'passed through; its slope by rule',
    read(reading) {
      const [x, slope] = reading.inputs;
      if (slope?.kind === 'weight')
        for (const weight of slope.weights) reading.network.fill(weight, FILLINGS.slope);
      return { ...plain(asData(x, reading)), activated: true };
    },
  },
};

/** The kinds that two operands have together, the first of them as the rules below want it. */
function pairOf({ inputs }: Reading): readonly Value[] {
  return inputs.filter((value) => value !== undefined);
}

function sum(reading: Reading): Value {
  const values = pairOf(reading);
  if (values.length !== 2) return sumOfData(values, reading);
  const statistic = withStatistic(values, reading);
  if (statistic !== undefined) return statistic;
  const [data, weight] = ordered(values);
  if (data?.kind === 'weight' && weight?.kind === 'weight') return weightsTogether([data, weight]);
  if (weight?.kind === 'lookup' && data?.kind === 'data' && data.scores) {
    // A table of relative positions.
    reading.network.fill(weight.table, FILLINGS.tokens);
    return data;
  }
  if (weight?.kind === 'weight' && data !== undefined) return withWeight(data, weight, reading, offset);
  // A mask may be added to relative positions before the scores are.
  if (weight?.kind === 'lookup' && data !== undefined && isMask(data)) return weight;
  return sumOfData(values, reading);
}

function sumOfData(values: readonly Value[], reading: Reading): Value {
  const operands = values.filter((value) => value.kind !== 'constant');
  const data = learned(operands.map((value) => asData(value, reading)));
  const [first, ...others] = data;
  if (first === undefined) return CONSTANT;
  if (reading.rotary.sums.has(reading.node)) return rotated(first, reading);
  if (others.every(({ sources }) => sameSources(sources, first.sources))) return first;
  const sources = reading.network.union(data.map((each) => each.sources));
  const { scores } = data.find((each) => each.scores) ?? {};
  const summed = structural(reading, 'sum', [], { kind: 'data', sources });
  return scores ? { ...summed, scores } : summed;
}

function multiply(reading: Reading): Value {
  const factor = reading.rotary.factors.get(reading.node);
  if (factor !== undefined) return asData(reading.inputs[1 - factor], reading);
  const values = pairOf(reading);
  const statistic = withStatistic(values, reading);
  if (statistic !== undefined) return statistic;
  const [data, weight] = ordered(values);
  if (data?.kind === 'weight' && weight?.kind === 'weight') return weightsTogether([data, weight]);
  if (weight?.kind === 'weight' && data !== undefined) return withWeight(data, weight, reading, scale);
  const operands = values.filter((value) => value.kind !== 'constant').map((value) => asData(value, reading));
  const [a, b] = operands;
  if (a === undefined || b === undefined) return a ?? CONSTANT;
  return gated(a, b, reading) ?? joined(values, reading);
}

function other(reading: Reading): Value {
  const values = pairOf(reading);
  const statistic = withStatistic(values, reading);
  if (statistic !== undefined) return statistic;
  const [data, weight] = ordered(values);
  if (data?.kind === 'weight' && weight?.kind === 'weight') return weightsTogether([data, weight]);
  if (weight?.kind === 'weight' && data !== undefined) {
    return withWeight(data, weight, reading, reading.node.operator === 'Sub' ? offset : scale);
  }
  return joined(values, reading);
}

/** Weights last; lookups behind data. */
function ordered(values: readonly Value[]): readonly Value[] {
  const rank = ({ kind }: Value): number => (kind === 'weight' ? 2 : kind === 'lookup' ? 1 : 0);
  return [...values].sort((a, b) => rank(a) - rank(b));
}

function isMask(value: Value): boolean {
  return value.kind === 'constant' || (value.kind === 'data' && isInput(value));
}

type Meeting = (data: Data, weight: Weight, reading: Reading) => Data | undefined;

/** A weight that meets data, or a number, or the input. */
function withWeight(value: Value, weight: WeightValue, reading: Reading, meet: Meeting): Value {
  if (value.kind === 'constant') return weight;
  if (value.kind === 'lookup' && weight.weights.every(({ constant }) => constant)) return value;
  const [only] = weight.weights;
  const data = asData(value, reading);
  // Scaling of the image before the first layer.
  if (isInput(data) && data.sources.length > 0) return data;
  if (data.scores && meet === offset) {
    // What is the same for all heads is a mask.
    const isTable = weight.weights.some(({ shape }) => (shape.at(-3) ?? 1) > 1 && (shape.at(-2) ?? 1) > 1);
    if (isTable) fillTokens(weight, reading);
    return data;
  }
  const met = only !== undefined && weight.weights.length === 1 ? meet(data, only, reading) : undefined;
  if (met !== undefined) return met;
  fillTokens(weight, reading);
  return data;
}

function offset(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const asBias = biased(data, weight, reading) ?? withNormBias(data, weight, reading);
  if (asBias !== undefined) return asBias;
  if (weight.elements === 1 || weight.constant) return data;
  if (!isVector(weight)) return positioned(data, weight, reading);
  reading.network.fill(weight, FILLINGS.zeros);
  return plain(data);
}

function scale(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const normalized = withNormScale(data, weight, reading);
  if (normalized !== undefined) return normalized;
  if (weight.elements === 1 || weight.constant) return data;
  reading.network.fill(weight, isBranchScale(reading) ? FILLINGS.layerScale : FILLINGS.ones);
  return data.scores ? data : plain(data);
}

const MOVES: ReadonlySet<string> = new Set([
  'Cast',
  'Identity',
  'Reshape',
  'Transpose',
  'Dropout',
  'Squeeze',
  'Unsqueeze',
]);

/** Whether the product goes straight into a sum with data: the layer scale of a residual branch. */
function isBranchScale({ node, readersOf, makerOf }: Reading): boolean {
  const isMade = (value: string): boolean => {
    const maker = makerOf(value);
    return (
      maker !== undefined && (maker.operator !== 'Identity' || makerOf(maker.inputs[0] ?? '') !== undefined)
    );
  };
  let [name = ''] = node.outputs;
  for (;;) {
    const [reader, ...others] = readersOf(name);
    if (reader === undefined || others.length > 0) return false;
    if (reader.operator === 'Add') return reader.inputs.every(isMade);
    if (!MOVES.has(reader.operator)) return false;
    [name = ''] = reader.outputs;
  }
}

/** Products of two activations: a swish, a squeeze and excitation, a gated layer; undefined where it is none. */
function gated(a: Data, b: Data, reading: Reading): Data | undefined {
  if (isInput(a) || isInput(b)) return undefined;
  if (sameSources(a.sources, b.sources)) {
    return a.activated || b.activated ? { ...plain(a), activated: true } : undefined;
  }
  return excited(a, b, reading) ?? excited(b, a, reading) ?? gatedLayers(a, b, reading);
}

function excited(data: Data, gate: Data, reading: Reading): Data | undefined {
  const { network } = reading;
  const { pooled } = gate;
  if (pooled === undefined || data.pooled === pooled) return undefined;
  if (!sameSources(network.at(pooled).sources, data.sources)) return undefined;
  // The squeeze is a part of the operation.
  network.bypass(pooled);
  return structural(reading, 'cse', [], {
    kind: 'data',
    sources: network.union([data.sources, gate.sources]),
  });
}

/** One of two layers on the same input is activated and gates the other. */
function gatedLayers(a: Data, b: Data, reading: Reading): Data | undefined {
  const { network } = reading;
  const [gate, up] = a.activated ? [a, b] : [b, a];
  if (!gate.activated) return undefined;
  const layers = [gate, up].map(({ sources }) => layerOf(sources, network));
  const [read, other] = layers.map((layer) => {
    const weight = layer.at(-1);
    return weight === undefined ? undefined : network.at(weight).sources;
  });
  if (read === undefined || other === undefined || !sameSources(read, other)) return undefined;
  layers.forEach((layer, slot) => {
    for (const node of layer) network.setSlot(node, slot);
  });
  return structural(reading, 'gate', [], {
    kind: 'data',
    sources: network.union([gate.sources, up.sources]),
  });
}
