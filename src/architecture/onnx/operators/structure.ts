/** Operators that join, pool or look up. */

import { CONSTANT, sameSources, type Data, type Value, type WeightValue } from '../values';
import { asData, fillTokens, joined, learnedOf, plain, structural, weightsTogether } from './as-data';
import { intAttribute, intsAttribute, operators, type Operators, type Reading } from './operator';

export const structuralOperators: Operators = {
  Concat: { becomes: '`concat` of several branches; learned tokens by rule', read: concat },
  MaxPool: { becomes: '`max_pool`', read: pool('max_pool') },
  AveragePool: { becomes: '`avg_pool`', read: pool('avg_pool') },
  Gather: {
    becomes:
      '`pos_enc` of an embedding table; `conv` where the head shares it; a table of relative positions by rule',
    read(reading) {
      const [from, at] = reading.inputs;
      if (from?.kind !== 'weight')
        return from?.kind === 'constant' ? joined(reading.inputs, reading) : passed(reading);
      const [table, ...others] = from.weights;
      const isTable =
        table?.shape.length === 2 && others.length === 0 && intAttribute(reading, 'axis', 0) === 0;
      // A part of a weight that is cut up, by a number.
      if (!isTable || isNumber(reading, at)) return { ...from, view: undefined };
      return { kind: 'lookup', table };
    },
  },
  ...operators(
    ['Where', 'ScatterND', 'ScatterElements'],
    'passed through; learned tokens by rule',
    (reading) => {
      const inputs = reading.node.operator === 'Where' ? reading.inputs.slice(1) : reading.inputs;
      const scored = inputs.find((value) => value?.kind === 'data' && value.scores !== undefined);
      return scored ?? joined(inputs, reading);
    },
  ),
};

/** The index is one number in the file, such as the first of query, key and value. */
function isNumber({ node, makerOf }: Reading, value: Value | undefined): boolean {
  if (value?.kind !== 'constant') return false;
  const constant = makerOf(node.inputs[1] ?? '')?.attributes.get('value')?.tensor;
  return constant?.shape.length === 0;
}

function passed(reading: Reading): Value {
  return reading.inputs[0] ?? CONSTANT;
}

function concat(reading: Reading): Value {
  const values = reading.inputs.filter((value) => value !== undefined && value.kind !== 'constant');
  const weights = values.filter((value) => value.kind === 'weight');
  if (weights.length === values.length) return sideBySide(weights, reading);
  const data = learnedOf(
    values.filter((value) => value.kind !== 'weight').map((value) => asData(value, reading)),
  );
  const [first] = data;
  if (first === undefined) return CONSTANT;
  const learned = data.some((each) => each.learned);
  const branch = data.every(({ sources }) => sameSources(sources, first.sources))
    ? { ...first, learned }
    : branches(data, reading);
  if (weights.length === 0) return branch;
  const joinedTokens = weights.filter((weight) => fillTokens(weight, reading));
  const axis = intAttribute(reading, 'axis', 0);
  const tokens = weights.reduce(
    (sum, { weights: [token] }) => sum + (token?.shape.at(axis) ?? 0),
    branch.tokens ?? 0,
  );
  return { ...plain(branch), learned: branch.learned || joinedTokens.length > 0, tokens };
}

/** Weights joined along an axis keep their parts: three matrices of an attention are no one matrix. */
function sideBySide(weights: readonly WeightValue[], reading: Reading): Value {
  const [first] = weights;
  if (first === undefined) return CONSTANT;
  if (weights.length === 1) return first;
  const rank = first.view?.length ?? 0;
  const axis = intAttribute(reading, 'axis', 0);
  const together = { ...weightsTogether(weights), view: undefined };
  const isKnown = weights.every(({ view, parts }) => view?.length === rank && parts === undefined);
  return isKnown
    ? { ...together, parts: { axis: axis < 0 ? axis + rank : axis, values: weights } }
    : together;
}

function branches(data: readonly Data[], reading: Reading): Data {
  const sources = reading.network.union(data.map((each) => each.sources));
  return structural(reading, 'concat', [], { sources });
}

/** Windows of two dimensions are the node's shape. */
function pool(operation: string): (reading: Reading) => Value {
  return (reading) => {
    const data = asData(reading.inputs[0], reading);
    const window = intsAttribute(reading, 'kernel_shape');
    const isShape = window.length === 2 && window.every((size) => Number.isSafeInteger(size) && size > 0);
    return structural(reading, operation, isShape ? [1, 1, ...window] : [], data);
  };
}
