/** Weights that are computed with each other before data meets them. */

import { invalidField } from '../../../errors';
import { FILLINGS, uniformOf } from '../fillings';
import { fanIn } from '../../../graph/graph';
import { ONNX_FIELD } from '../model';
import { nodeName } from '../read-model';
import { isVector, type Weight, type WeightValue } from '../values';
import { weightsTogether } from './as-data';
import type { Reading } from './operator';

/**
 * The largest of weights that are computed with each other; vectors beside it are scales, as of a weight norm, and other
 * matrices have the rule of layers.
 */
export function mainOf(value: WeightValue, { network, node }: Reading): Weight {
  const [main, ...others] = [...value.weights, ...(value.variances ?? [])];
  if (main === undefined) {
    throw invalidField(
      ONNX_FIELD,
      `${nodeName(node)} takes for a weight what is computed of statistics alone; a weight must hold parameters`,
    );
  }
  for (const other of others) {
    const { content } = other;
    // A weight norm's scale is the norm of a row, above 0.
    if (!isVector(other)) network.fill(other, uniformOf(fanIn(other.shape)));
    else if (content?.kind === 'other' && content.nonNegative) {
      network.fill(other, { rule: 'constant', value: Number(content.mean.toPrecision(3)) });
    } else network.fill(other, FILLINGS.ones);
  }
  for (const weight of value.means ?? [])
    network.constant(weight, 'a statistic that a weight is computed with');
  return main;
}

/** The product or quotient of weights, element by element; keeps apart the root of a variance and what meets it. */
export function scaledWeights(a: WeightValue, b: WeightValue): WeightValue {
  const [root, other] = a.variances === undefined ? [b, a] : [a, b];
  if (root.variances === undefined || other.variances !== undefined) return weightsTogether([a, b]);
  if (root.weights.length === 0) return { ...other, variances: root.variances };
  return { ...root, means: [...(root.means ?? []), ...other.weights] };
}

/** The sum or difference of weights: a bias, from which a mean is taken that was scaled as the data is. */
export function shiftedWeights(a: WeightValue, b: WeightValue): WeightValue {
  const [root, other] = a.variances === undefined ? [b, a] : [a, b];
  if (root.variances === undefined || other.variances !== undefined) return weightsTogether([a, b]);
  const { means = root.weights, variances } = root;
  return { ...other, variances, means };
}

/**
 * A product of weights. A vector in it is what a power iteration keeps, as a spectral norm has it, and the result a number
 * or another such vector.
 */
export function multipliedWeights(a: WeightValue, b: WeightValue, reading: Reading): WeightValue {
  const { network } = reading;
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const [weight, ...others] = one.weights;
    if (weight === undefined || others.length > 0 || !isLine(one)) continue;
    if (rankOf(one) > 1 && isLine(other)) continue;
    network.statistic(weight, 'a vector of a power iteration, which a spectral norm keeps');
  }
  const kept = [a, b].map((value) => ({
    ...value,
    weights: value.weights.filter((weight) => !network.isStatistic(weight)),
  }));
  return { ...weightsTogether(kept), view: undefined, reduced: true };
}

function isLine({ view, reduced, weights }: WeightValue): boolean {
  if (reduced === true) return false;
  return (
    (view ?? weights[0]?.shape.map((size) => ({ size })) ?? []).filter(({ size }) => size > 1).length <= 1
  );
}

function rankOf({ view, weights }: WeightValue): number {
  return (view ?? weights[0]?.shape ?? []).length;
}
