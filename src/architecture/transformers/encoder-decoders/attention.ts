import type { GraphBuilder } from '../graph-builder';

/** Attention in BART's manner: the module lists keys and values before queries, which are computed first. */
export function encoderDecoderAttention(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  queries: number,
  keys: number,
  { keyBias = true } = {},
): number {
  const project = (part: string, after: number, slot: number, bias = true): number =>
    graph.linear(`${prefix}.${part}_proj`, width, width, [after], { bias, slot });
  const [keyPlace, valuePlace] = [graph.keepPlace(), graph.keepPlace()];
  const query = project('q', queries, 0);
  const key = graph.at(keyPlace, () => project('k', keys, 1, keyBias));
  const value = graph.at(valuePlace, () => project('v', keys, 2));
  const softmax = graph.node(`${prefix}.softmax`, 'msa', [], [query, key, value]);
  return graph.linear(`${prefix}.out_proj`, width, width, [softmax]);
}

/** Attention to an encoder that the class has not, and its norm: nothing reads them, and the module's own rule fills them. */
function unreadAttention(
  graph: GraphBuilder,
  prefix: string,
  { width, keyBias, deviation: standardDeviation }: Stack,
): void {
  for (const part of ['k', 'v', 'q', 'out']) {
    const name = `${prefix}.${part}_proj`;
    graph.initialized(`${name}.weight`, [width, width], { rule: 'normal', standardDeviation });
    if (part !== 'k' || keyBias) graph.constant(`${name}.bias`, [width], 0);
  }
  graph.constant(`${prefix}_layer_norm.weight`, [width], 1);
  graph.constant(`${prefix}_layer_norm.bias`, [width], 0);
}

/** What one stack of layers needs. */
export interface Stack {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  /** Norms stand before attention and feed-forward layer, not behind their sums. */
  readonly normBefore: boolean;
  readonly keyBias: boolean;
  /** Of weights that nothing reads. */
  readonly deviation: number;
}

/** What a decoder's layers have the output of, where its class has no encoder. */
export const NO_ENCODER = 'no encoder';

/**
 * Adds the layers of an encoder, or of a decoder that reads what an encoder made; returns the node of what each layer
 * makes.
 */
export function encoderDecoderLayers(
  graph: GraphBuilder,
  base: string,
  sizes: Stack,
  first: number,
  encoded?: number | typeof NO_ENCODER,
): number[] {
  const { width, hidden, layers, normBefore, keyBias } = sizes;
  const residual = (prefix: string, norm: string, stream: number, add: (after: number) => number): number => {
    const layer = graph.keepPlace();
    const before = normBefore ? graph.layerNorm(norm, width, [stream]) : stream;
    const output = graph.at(layer, () => add(before));
    const sum = graph.node(`${prefix}.sum`, 'sum', [], [stream, output]);
    return normBefore ? sum : graph.layerNorm(norm, width, [sum]);
  };
  const made: number[] = [];
  let stream = first;
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}.layers.${layer}`;
    stream = residual(`${prefix}.self_attn`, `${prefix}.self_attn_layer_norm`, stream, (after) =>
      encoderDecoderAttention(graph, `${prefix}.self_attn`, width, after, after, { keyBias }),
    );
    if (encoded === NO_ENCODER) {
      unreadAttention(graph, `${prefix}.encoder_attn`, sizes);
    } else if (encoded !== undefined) {
      stream = residual(`${prefix}.encoder_attn`, `${prefix}.encoder_attn_layer_norm`, stream, (after) =>
        encoderDecoderAttention(graph, `${prefix}.encoder_attn`, width, after, encoded, { keyBias }),
      );
    }
    stream = residual(`${prefix}.fc`, `${prefix}.final_layer_norm`, stream, (after) => {
      const inner = graph.linear(`${prefix}.fc1`, hidden, width, [after]);
      return graph.linear(`${prefix}.fc2`, width, hidden, [inner]);
    });
    made.push(stream);
  }
  return made;
}
