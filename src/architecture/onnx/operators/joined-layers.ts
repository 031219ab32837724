/** Layers on the same data that an optimiser has joined: one product, whose result is cut in as many parts as there were. */

import type { Orientation } from '../orientation';
import { isVector, type Data, type Weight } from '../values';
import { output } from './as-data';
import { intAttribute, type Reading } from './operator';

/** What onnxsim calls the tensors that it makes: a layer that is one in the network keeps its weight's name. */
const MADE_BY_ONNXSIM = /^_v_\d+$/;

/**
 * A node for each part of a weight whose result is only cut up by a Split, and whose parts have biases of their own, or that
 * onnxsim has put together; undefined where it is one layer.
 */
export function joinedLayers(
  data: Data,
  weight: Weight,
  orientation: Orientation,
  reading: Reading,
): Data | undefined {
  const { network } = reading;
  const [features = 0, inputs = 0] = orientation.shape;
  const sizes = orientation.outputs === undefined ? undefined : joinedSizes(weight, features, reading);
  if (sizes === undefined) return undefined;
  const parts = sizes.map((size): Data => {
    const node = network.node(weight.name, 'conv', [size, inputs], data.sources, weight);
    return { ...output(node), features: size };
  });
  const lengths = parts.map(({ sources: [node = 0] }, at) => ({ node, length: sizes[at] ?? 0 }));
  network.predictParts(weight, lengths, orientation);
  const sources = network.union(parts.map((part) => part.sources));
  return { kind: 'data', sources, learned: true, parts };
}

function joinedSizes(weight: Weight, features: number, reading: Reading): readonly number[] | undefined {
  const { node, readersOf, integers, weights } = reading;
  const [cut, ...others] = readersOf(node.outputs[0] ?? '');
  if (cut?.operator !== 'Split' || others.length > 0 || cut.outputs.length < 2) return undefined;
  const count = cut.outputs.length;
  const given = cut.attributes.get('split')?.ints ?? integers.get(cut.inputs[1] ?? '');
  const isLast = intAttribute({ node: cut }, 'axis', 0) === -1;
  const equal = isLast && features % count === 0 ? new Array<number>(count).fill(features / count) : [];
  const sizes = given ?? equal;
  if (sizes.length !== count || sizes.reduce((sum, size) => sum + size, 0) !== features) return undefined;
  const hasBias = (name: string, size: number): boolean => {
    const [reader, ...more] = readersOf(name);
    if (reader?.operator !== 'Add' || more.length > 0) return false;
    const bias = weights.named(reader.inputs.find((input) => input !== name) ?? '');
    return bias !== undefined && isVector(bias) && bias.elements === size;
  };
  const ownBiases = cut.outputs.every((name, at) => hasBias(name, sizes[at] ?? 0));
  return ownBiases || MADE_BY_ONNXSIM.test(weight.name) ? sizes : undefined;
}
