/** Values of other kinds, used as what flows through the network. */

import { invalidField } from '../../../errors';
import { quoted } from '../../../graph/violations';
import { ONNX_FIELD } from '../model';
import { FILLINGS } from '../network';
import {
  CONSTANT,
  isInput,
  type Data,
  type Lookup,
  type Statistic,
  type Value,
  type WeightValue,
} from '../values';
import { ownName, type Reading } from './operator';

/** Without what is known of it beyond where it comes from. */
export function plain({ sources, pooled, tokens }: Data): Data {
  return {
    kind: 'data',
    sources,
    ...(pooled !== undefined && { pooled }),
    ...(tokens !== undefined && { tokens }),
  };
}

/** What a value is where data is read: a mean is global pooling, a lookup an embedding, weights are learned tokens. */
export function asData(value: Value | undefined, reading: Reading): Data {
  switch (value?.kind) {
    case 'data':
      return value;
    case 'statistic':
      return globalPooling(value, reading);
    case 'lookup':
      return embedding(value, reading);
    case 'weight':
      fillTokens(value, reading);
      return { kind: 'data', sources: [] };
    case 'constant':
    case undefined:
      return { kind: 'data', sources: [] };
  }
}

/** Learned tokens and whatever else data is joined with. */
export function fillTokens({ weights }: WeightValue, { network }: Reading): void {
  for (const weight of weights) if (!weight.constant) network.fill(weight, FILLINGS.tokens);
}

function globalPooling(statistic: Statistic, { network }: Reading): Data {
  if (isInput(statistic)) return { kind: 'data', sources: statistic.sources };
  const { name, sources } = statistic;
  const pooled = network.once(name, () => network.node(name, 'glob_avg', [], sources));
  return { kind: 'data', sources: [pooled], pooled };
}

function embedding({ table }: Lookup, { network }: Reading): Data {
  const node = network.once(table, () => network.node(table.name, 'pos_enc', table.shape, [0], table));
  network.predict(table, node, 'embedding');
  return { kind: 'data', sources: [node] };
}

/** Weights that are computed with each other. Throws LogahError for more than 64. */
export function weightsTogether(values: readonly WeightValue[]): WeightValue {
  const weights = [...new Set(values.flatMap((value) => value.weights))];
  if (weights.length > MAX_TOGETHER) {
    const came = `computes ${weights.length} weights with each other, ${quoted(weights[0]?.name)} among them`;
    throw invalidField(ONNX_FIELD, `${came}; at most ${MAX_TOGETHER} are allowed`);
  }
  return { kind: 'weight', weights, transposed: values[0]?.transposed ?? false };
}

/** Far more than a weight norm has, or a projection that is put together from parts. */
const MAX_TOGETHER = 64;

/** What comes of an operation on several values: the nodes that any of them comes from, masks left out. */
export function joined(values: readonly (Value | undefined)[], reading: Reading): Value {
  const data = values
    .filter((value) => value !== undefined && value.kind !== 'constant')
    .map((value) => asData(value, reading));
  const [first, ...others] = learned(data);
  if (first === undefined) return data[0] ?? CONSTANT;
  if (others.length === 0) return first;
  const centred = [first, ...others].every((each) => each.centred === true);
  const sources = reading.network.union([first, ...others].map((each) => each.sources));
  return { kind: 'data', sources, ...(centred && { centred }) };
}

/** Without masks and indices, which come from the input alone; all where nothing else is there. */
export function learned(data: readonly Data[]): readonly Data[] {
  const others = data.filter((value) => !isInput(value));
  return others.length === 0 ? data : others;
}

/** A node for something without a weight, unless it is of the input alone. */
export function structural(reading: Reading, operation: string, shape: readonly number[], data: Data): Data {
  const node = reading.network.node(ownName(reading), operation, shape, data.sources);
  return { kind: 'data', sources: [node] };
}
