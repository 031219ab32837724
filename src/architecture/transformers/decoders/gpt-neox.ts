/** transformers' GPT-NeoX: attention and feed-forward layer stand side by side. Source: `modeling_gpt_neox.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import type { Body, Head } from '../heads/head';
import { decoderHeads } from './decoder-heads';

interface NeoXConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly bias: boolean;
  readonly parallel: boolean;
  readonly tied: boolean;
}

export const gptNeoX = describedFamily({
  modelType: 'gpt_neox',
  heads: decoderHeads('GPTNeoX', {
    body: 'gpt_neox.',
    tokenClassifier: 'classifier',
    questionBody: 'gpt_neox.',
  }),
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
  widths: () => ['hidden_size', 'num_attention_heads', 'intermediate_size'],
});

function readConfig(reader: ConfigReader, { ties }: Head): NeoXConfig {
  const config: NeoXConfig = {
    width: reader.width('hidden_size'),
    layers: reader.size('num_hidden_layers'),
    heads: reader.width('num_attention_heads'),
    hidden: reader.width('intermediate_size'),
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    bias: reader.boolean('attention_bias'),
    parallel: reader.boolean('use_parallel_residual'),
    tied: reader.boolean('tie_word_embeddings') && ties,
  };
  checkHeads(reader, config.width, 'hidden_size', config.heads, 'num_attention_heads');
  return config;
}

function body(
  graph: GraphBuilder,
  config: NeoXConfig,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, vocabulary, bias, parallel, tied } = config;
  const name = `${base}embed_in.weight`;
  const source = graph.node('input', 'input');
  let stream = graph.embedding(name, vocabulary, width, source, tied);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}layers.${layer}`;
    const before = graph.layerNorm(`${prefix}.input_layernorm`, width, [stream]);
    const normPlace = graph.keepPlace();
    // Heads lie one after the other in it, each with its queries, keys and values.
    const fused = graph.linear(`${prefix}.attention.query_key_value`, 3 * width, width, [before], { bias });
    const rotated = ['q', 'k'].map((part) =>
      graph.node(`${prefix}.attention.${part}_rotary`, 'rot_emb', [], [fused]),
    );
    const attention = graph.node(`${prefix}.attention.softmax`, 'msa', [], [...rotated, fused]);
    const output = graph.linear(`${prefix}.attention.dense`, width, width, [attention], { bias });
    const sum = (part: string, first: number, second: number): number =>
      graph.node(`${prefix}.${part}.sum`, 'sum', [], [first, second]);
    const attended = parallel ? stream : sum('attention', output, stream);
    const after = graph.at(normPlace, () =>
      graph.layerNorm(`${prefix}.post_attention_layernorm`, width, [attended]),
    );
    const inner = graph.linear(`${prefix}.mlp.dense_h_to_4h`, hidden, width, [after]);
    const outer = graph.linear(`${prefix}.mlp.dense_4h_to_h`, width, hidden, [inner]);
    stream = parallel ? sum('mlp', sum('attention', outer, output), stream) : sum('mlp', outer, attended);
  }
  const last = graph.layerNorm(`${base}final_layer_norm`, width, [stream]);
  return { last, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** By the configuration's names. */
function sizes(config: NeoXConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
