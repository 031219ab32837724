/** Values of other kinds, used as what flows through the network. */

import { invalidField } from '../../../errors';
import { quoted } from '../../../graph/violations';
import { FILLINGS } from '../fillings';
import { ONNX_FIELD } from '../model';
import {
  CONSTANT,
  isInput,
  type Data,
  type Lookup,
  type Statistic,
  type Value,
  type Weight,
  type WeightValue,
} from '../values';
import { ownName, type Reading } from './operator';

/** Without what is known of it beyond where it comes from. */
export function plain({ sources, learned, pooled, tokens }: Data): Data {
  return {
    kind: 'data',
    sources,
    learned,
    ...(pooled !== undefined && { pooled }),
    ...(tokens !== undefined && { tokens }),
  };
}

/** The output of a node. */
export function output(node: number): Data {
  return { kind: 'data', sources: [node], learned: true };
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
      return { kind: 'data', sources: [], learned: fillTokens(value, reading) };
    case 'constant':
    case undefined:
      return { kind: 'data', sources: [], learned: false };
  }
}

/** Learned tokens and whatever else data is joined with; whether any of it is learned. */
export function fillTokens({ weights }: WeightValue, { network }: Reading): boolean {
  const learned = weights.filter((weight) => {
    if (weight.constant) return false;
    const reason = notLearned(weight);
    if (reason === undefined) network.fill(weight, FILLINGS.tokens);
    else network.constant(weight, reason);
    return reason === undefined;
  });
  return learned.length > 0;
}

/** Why a tensor that data is joined with, or added to, is nothing that is learned; undefined where it may be. */
export function notLearned({ named, content }: Weight): string | undefined {
  if (content?.kind === 'structured') return 'computed, not learned: its elements follow a pattern';
  if (named || content === undefined) return undefined;
  if (content.kind === 'zeros' || content.kind === 'ones' || content.kind === 'constant') {
    return 'one number throughout, under a name that no parameter has';
  }
  return undefined;
}

function globalPooling(statistic: Statistic, { network }: Reading): Data {
  const { name, sources, learned } = statistic;
  if (isInput(statistic)) return { kind: 'data', sources, learned };
  const pooled = network.once(name, () => network.node(name, 'glob_avg', [], sources));
  return { ...output(pooled), pooled };
}

function embedding({ table }: Lookup, { network }: Reading): Data {
  const reason = notLearned(table);
  if (reason !== undefined) {
    network.constant(table, reason);
    return { kind: 'data', sources: [], learned: false };
  }
  const node = network.once(table, () => network.node(table.name, 'pos_enc', table.shape, [0], table));
  network.predict(table, node, 'embedding', { shape: table.shape, layout: undefined, outputs: 0 });
  return output(node);
}

/** Weights that are computed with each other, the largest first. Throws LogahError for more than 64. */
export function weightsTogether(values: readonly WeightValue[]): WeightValue {
  const [largest] = [...values].sort((a, b) => (b.weights[0]?.elements ?? 0) - (a.weights[0]?.elements ?? 0));
  const weights = [...new Set([largest, ...values].flatMap((value) => value?.weights ?? []))];
  const of = (key: 'variances' | 'means'): readonly Weight[] => [
    ...new Set(values.flatMap((value) => value[key] ?? [])),
  ];
  const [variances, means] = [of('variances'), of('means')];
  if (weights.length + variances.length + means.length > MAX_TOGETHER) {
    const came = `computes ${weights.length} weights with each other, ${quoted(weights[0]?.name)} among them`;
    throw invalidField(ONNX_FIELD, `${came}; at most ${MAX_TOGETHER} are allowed`);
  }
  return {
    kind: 'weight',
    weights,
    view: largest?.view,
    ...(values.some(({ reduced }) => reduced === true) && { reduced: true }),
    ...(variances.length > 0 && { variances }),
    ...(means.length > 0 && { means }),
  };
}

/** Far more than a weight norm has, or a projection that is put together from parts. */
const MAX_TOGETHER = 64;

/** What comes of an operation on several values: the nodes that any of them comes from, masks left out. */
export function joined(values: readonly (Value | undefined)[], reading: Reading): Value {
  const data = values
    .filter((value) => value !== undefined && value.kind !== 'constant')
    .map((value) => asData(value, reading));
  const [first, ...others] = learnedOf(data);
  if (first === undefined) return data[0] ?? CONSTANT;
  if (others.length === 0) return first;
  const all = [first, ...others];
  const centred = all.every((each) => each.centred === true);
  const sources = reading.network.union(all.map((each) => each.sources));
  return { kind: 'data', sources, learned: all.some(({ learned }) => learned), ...(centred && { centred }) };
}

/** Without masks and indices, which come from the input alone; all where nothing else is there. */
export function learnedOf(data: readonly Data[]): readonly Data[] {
  const others = data.filter((value) => !isInput(value));
  return others.length === 0 ? data : others;
}

/** A node for something without a weight, that reads `sources`. */
export function structural(
  reading: Reading,
  operation: string,
  shape: readonly number[],
  { sources }: Pick<Data, 'sources'>,
): Data {
  return output(reading.network.node(ownName(reading), operation, shape, sources));
}
