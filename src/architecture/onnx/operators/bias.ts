/** Biases of layers, in the layer's operator or added behind it. */

import { uniform } from '../fillings';
import { asVector } from '../orientation';
import type { Data, Weight, WeightValue } from '../values';
import { notLearned, plain } from './as-data';
import type { Reading } from './operator';

/**
 * A bias of as many elements as the layer before has features, or several side by side that have; undefined where it is
 * none.
 */
export function biasedBy(data: Data, value: WeightValue, reading: Reading): Data | undefined {
  const { parts, weights } = value;
  const own = parts === undefined ? weights : parts.values.flatMap((part) => part.weights);
  const [main] = own;
  const features = parts === undefined ? main?.elements : own.reduce((sum, each) => sum + each.elements, 0);
  if (main === undefined || data.features === undefined || features !== data.features) return undefined;
  if (parts === undefined) return biased(data, main, reading);
  const { network } = reading;
  const results = own.flatMap((weight) => {
    const reason = notLearned(weight);
    if (reason !== undefined) network.constant(weight, reason);
    return reason === undefined && !weight.constant ? [oneBias(data, weight, reading)] : [];
  });
  const sources = network.union([data.sources, ...results.map((result) => result.sources)]);
  const kept = results.length === own.length ? sources.filter((at) => !data.sources.includes(at)) : sources;
  return plain({ ...data, sources: data.bound === undefined ? kept : data.sources });
}

/** The same with one vector, or a table of heads by size. */
export function biased(data: Data, weight: Weight, reading: Reading): Data | undefined {
  // Keras has biases of heads by size, behind a reshaping.
  if (data.features === undefined || weight.elements !== data.features) return undefined;
  return oneBias(data, weight, reading);
}

function oneBias(data: Data, weight: Weight, { network }: Reading): Data {
  if (data.bound !== undefined) {
    network.fill(weight, uniform(data.bound));
    return plain(data);
  }
  const orientation = asVector(weight.shape);
  const node = network.node(weight.name, 'bias', orientation.shape, data.sources, weight);
  network.predict(weight, node, 'bias', orientation);
  return plain({ ...data, sources: [node] });
}
