/** Attention: a product of activations, a softmax, and a product with the values. */

import { asVector } from '../orientation';
import type { Network } from '../network';
import { isInput, sameSources, type Data, type Sources, type Value } from '../values';
import { asData, joined, output } from './as-data';
import { ownName, type Operators, type Reading } from './operator';

export const attentionOperators: Operators = {
  Softmax: {
    becomes: '`msa` where it weighs the values of an attention',
    read(reading) {
      const [x] = reading.inputs;
      if (x?.kind === 'constant' || x?.kind === 'weight') return x;
      const data = asData(x, reading);
      const { sources, learned, scores } = data;
      return { kind: 'data', sources, learned, activated: true, ...(scores && { attention: scores }) };
    },
  },
  Attention: {
    becomes: '`msa`',
    read(reading) {
      // ONNX Runtime adds the biases of the three projections inside; here they come eighth.
      const [queries, keys, values] = reading.inputs.slice(0, 3).map((value) => asData(value, reading));
      if (queries === undefined || keys === undefined || values === undefined)
        return joined(reading.inputs, reading);
      const bias = reading.inputs[7];
      if (bias?.kind === 'weight' && bias.weights[0] !== undefined) {
        const [weight] = bias.weights;
        const sources = reading.network.union([queries, keys, values].map((data) => data.sources));
        const node = reading.network.node(weight.name, 'bias', [weight.elements], sources, weight);
        reading.network.predict(weight, node, 'bias', asVector(weight.shape));
        const biased = output(node);
        return attention(biased, biased, biased, reading);
      }
      return attention(queries, keys, values, reading);
    },
  },
  RotaryEmbedding: {
    becomes: '`rot_emb`',
    read(reading) {
      for (const value of reading.inputs.slice(1)) {
        if (value?.kind !== 'weight') continue;
        for (const weight of value.weights)
          reading.network.constant(weight, 'cosines or sines of a rotary embedding');
      }
      return rotated(asData(reading.inputs[0], reading), reading);
    },
  },
};

export function rotated(data: Data, reading: Reading): Data {
  return output(reading.network.node(`${ownName(reading)}.rotary`, 'rot_emb', [], data.sources));
}

/** The product of two activations: queries and keys, unless a softmax shows otherwise. */
export function scoresOf(left: Data, right: Data, reading: Reading): Value {
  if (isInput(left)) return right;
  if (isInput(right)) return left;
  return {
    kind: 'data',
    sources: reading.network.union([left.sources, right.sources]),
    learned: true,
    scores: { queries: left, keys: right },
  };
}

/** The product of attention weights and values; undefined where neither has been through a softmax. */
export function attentionOver(left: Data, right: Data, reading: Reading): Data | undefined {
  const [weights, values] = left.attention ? [left, right] : [right, left];
  if (weights.attention === undefined) return undefined;
  const { queries, keys } = weights.attention;
  return attention(queries, keys, values, reading);
}

function attention(queries: Data, keys: Data, values: Data, reading: Reading): Data {
  const { network } = reading;
  const sources = network.union([queries.sources, keys.sources, values.sources]);
  const node = network.node(`${ownName(reading)}.softmax`, 'msa', [], sources);
  tellApart(
    [queries, keys, values].map((data) => data.sources),
    network,
  );
  return output(node);
}

/** Slots 0, 1 and 2 for the layers of queries, keys and values, or for the parts of one layer for all three. */
function tellApart(parts: readonly Sources[], network: Network): void {
  const [first = []] = parts;
  if (parts.every((part) => sameSources(part, first))) {
    cutInThree(layerOf(first, network), network);
    return;
  }
  parts.forEach((part, slot) => {
    for (const node of layerOf(part, network)) network.setSlot(node, slot);
  });
}

/** The nodes of the layer whose output this is: its bias and its weight; what only moves positions is passed. */
export function layerOf(sources: Sources, network: Network): number[] {
  const found: number[] = [];
  for (let [at, other] = sources; at !== undefined && other === undefined;) {
    const { node, sources: read } = network.at(at);
    if (node.operation === 'conv') return [...found, at];
    if (node.operation !== 'bias' && node.operation !== 'rot_emb') return [];
    if (node.operation === 'bias') found.push(at);
    [at, other] = read;
  }
  return [];
}

/** A fused layer, if its weight is three squares one after the other. */
function cutInThree(layer: readonly number[], network: Network): void {
  const [first = 0, second = 0] = network.at(layer.at(-1) ?? 0).node.shape;
  // GPT-2 has its weights as they are stored, [in, out].
  if (first !== 3 * second && second !== 3 * first) return;
  for (const node of layer) network.cut(node, 3);
}
