/** Operators on two values, element by element: sums, biases, gates, scales. */

import { FILLINGS } from '../fillings';
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
import { asData, fillTokens, joined, learnedOf, notLearned, plain, structural } from './as-data';
import { layerOf, rotated } from './attention';
import { biasedBy } from './bias';
import {
  batchNormalized,
  batchShifted,
  rescaled,
  rootOf,
  withNormBias,
  withNormScale,
  withStatistic,
} from './normalization';
import { operators, type Operators, type Reading } from './operator';
import { positioned } from './positions';
import { mainOf, scaledWeights, shiftedWeights } from './weight-products';

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
  if (data?.kind === 'weight' && weight?.kind === 'weight') return shiftedWeights(data, weight);
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
  const all = operands.map((value) => asData(value, reading));
  // A residual around the first layers.
  const isResidual = reading.inputIsData && all.every(({ sources, scores }) => sources.length > 0 && !scores);
  const data = isResidual ? all : learnedOf(all);
  const [first, ...others] = data;
  if (first === undefined) return CONSTANT;
  if (reading.rotary.sums.has(reading.node)) return rotated(first, reading);
  const learned = data.some((each) => each.learned);
  if (others.every(({ sources }) => sameSources(sources, first.sources))) return { ...first, learned };
  const sources = reading.network.union(data.map((each) => each.sources));
  const { scores } = data.find((each) => each.scores) ?? {};
  const summed = structural(reading, 'sum', [], { sources });
  return scores ? { ...summed, scores } : summed;
}

function multiply(reading: Reading): Value {
  const factor = reading.rotary.factors.get(reading.node);
  if (factor !== undefined) return asData(reading.inputs[1 - factor], reading);
  const values = pairOf(reading);
  const statistic = withStatistic(values, reading);
  if (statistic !== undefined) return statistic;
  const [data, weight] = ordered(values);
  if (data?.kind === 'weight' && weight?.kind === 'weight') return scaledWeights(data, weight);
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
  const { operator } = reading.node;
  const [first, second] = values;
  if (operator === 'Pow' && first?.kind === 'weight' && second?.kind === 'constant')
    return power(first, reading);
  const [data, weight] = ordered(values);
  if (data?.kind === 'weight' && weight?.kind === 'weight') {
    return operator === 'Sub' ? shiftedWeights(data, weight) : scaledWeights(data, weight);
  }
  if (weight?.kind === 'weight' && data !== undefined) {
    if (operator === 'Sub' && first?.kind !== 'weight' && data.kind !== 'constant') {
      return shiftedBy(data, weight, reading);
    }
    return withWeight(data, weight, reading, operator === 'Sub' ? offset : scale);
  }
  return joined(values, reading);
}

/** The power of a weight by a number: a root of a variance, unless squares are summed up. */
function power(value: WeightValue, reading: Reading): WeightValue {
  const isSquare = reading.node.outputs.some((name) =>
    reading.readersOf(name).some(({ operator }) => operator.startsWith('Reduce')),
  );
  return isSquare ? value : rootOf(value, reading);
}

/** A vector taken away from data: a running mean, if the root of a variance follows; else the data's bias. */
function shiftedBy(value: Value, weight: WeightValue, reading: Reading): Value {
  const [only, ...others] = weight.weights;
  const data = asData(value, reading);
  const isMean = only !== undefined && others.length === 0 && isVector(only) && only.elements > 1;
  if (!isMean || weight.variances !== undefined || data.normalized !== undefined) {
    return withWeight(data, weight, reading, offset);
  }
  reading.network.suggest(
    only,
    isInput(data) ? "taken from the network's input" : { rule: 'zeros', standardDeviation: 0 },
  );
  return { ...data, shifted: { by: only, unshifted: data } };
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
  const data = asData(value, reading);
  const batch = meet === scale ? batchNormalized(data, weight, reading) : batchShifted(data, weight, reading);
  if (batch !== undefined) return batch;
  if (data.scores && meet === offset) {
    // What is the same for all heads is a mask.
    const isTable = weight.weights.some(({ shape }) => (shape.at(-3) ?? 1) > 1 && (shape.at(-2) ?? 1) > 1);
    if (isTable) fillTokens(weight, reading);
    else for (const each of weight.weights) reading.network.constant(each, 'a mask of attention scores');
    return data;
  }
  const biased = meet === offset ? biasedBy(data, weight, reading) : undefined;
  if (biased !== undefined) return biased;
  const main = mainOf(weight, reading);
  if (isInput(data) && data.normalized === undefined) return withInput(data, main, reading, meet);
  return meet(data, main, reading) ?? data;
}

/** What the network's input is scaled and shifted by before any layer, or a table of positions that is added to it. */
function withInput(data: Data, weight: Weight, reading: Reading, meet: Meeting): Data {
  const { content, named, elements } = weight;
  if (!isVector(weight) && meet === offset && !weight.constant) return meet(data, weight, reading) ?? data;
  const start = meet === offset ? 'zeros' : 'ones';
  const isLearned = named && elements > 4 && (content?.kind === start || content?.kind === 'drawn');
  if (!isLearned) {
    reading.network.constant(weight, "scales or shifts the network's input");
    return data;
  }
  reading.network.fill(weight, FILLINGS[start]);
  return { ...plain(data), learned: true };
}

function offset(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const asBias = withNormBias(data, weight, reading);
  if (asBias !== undefined) return asBias;
  if (isNumber(weight, reading, 'zeros')) return data;
  const reason = notLearned(weight);
  if (reason !== undefined) {
    reading.network.constant(weight, reason);
    return data;
  }
  if (!isVector(weight)) return positioned(data, weight, reading);
  reading.network.fill(weight, FILLINGS.zeros);
  return { ...plain(data), learned: true };
}

function scale(data: Data, weight: Weight, reading: Reading): Data | undefined {
  const batch = rescaled(data, weight, reading);
  if (batch !== undefined) return batch;
  const normalized = withNormScale(data, weight, reading);
  if (normalized !== undefined) return normalized;
  if (isNumber(weight, reading, 'ones')) return data;
  const reason = isVector(weight) ? undefined : notLearned(weight);
  if (reason !== undefined) reading.network.constant(weight, reason);
  else reading.network.fill(weight, isBranchScale(reading) ? FILLINGS.layerScale : FILLINGS.ones);
  return data.scores ? data : { ...plain(data), learned: data.learned || reason === undefined };
}

/** A number or table that the network is written with; a single number under a name that parameters have is learned. */
function isNumber(weight: Weight, { network }: Reading, start: 'zeros' | 'ones'): boolean {
  if (weight.constant) {
    network.constant(weight, 'a constant of the network');
    return true;
  }
  if (weight.elements > 1) return false;
  if (weight.named && LEARNED_NUMBER.test(weight.name)) network.fill(weight, FILLINGS[start]);
  else network.constant(weight, 'a single number');
  return true;
}

const LEARNED_NUMBER =
  /(^|[._/])(weight|bias|alpha|beta|gamma|gate|scale|logit_scale|temperature|rezero\w*)$/i;

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
    const learned = a.learned || b.learned;
    return a.activated || b.activated ? { ...plain(a), learned, activated: true } : undefined;
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
    sources: network.union([gate.sources, up.sources]),
  });
}
