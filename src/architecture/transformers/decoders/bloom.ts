/** transformers' BLOOM: positions are a penalty of distance in attention. Source: `modeling_bloom.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import type { Body, Head } from '../heads/head';
import { decoderHeads } from './decoder-heads';
import { ownOrOldSize } from './old-names';

interface BloomConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabulary: number;
  /** Whether sums are with what the norms make, not with what they read. */
  readonly residualAfterNorm: boolean;
  readonly tied: boolean;
}

export const bloom = describedFamily({
  modelType: 'bloom',
  heads: decoderHeads('Bloom', {
    body: 'transformer.',
    tokenClassifier: 'classifier',
    questionBody: 'transformer.',
  }),
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
});

function readConfig(reader: ConfigReader, { ties }: Head): BloomConfig {
  const config: BloomConfig = {
    width: ownOrOldSize(reader),
    layers: reader.size('n_layer'),
    heads: reader.size('n_head'),
    vocabulary: reader.size('vocab_size'),
    residualAfterNorm: reader.boolean('apply_residual_connection_post_layernorm'),
    tied: reader.boolean('tie_word_embeddings') && ties,
  };
  checkHeads(reader, config.width, 'hidden_size', config.heads, 'n_head');
  return config;
}

function body(
  graph: GraphBuilder,
  config: BloomConfig,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, vocabulary, tied, residualAfterNorm } = config;
  const name = `${base}word_embeddings.weight`;
  const source = graph.node('input', 'input');
  const table = graph.embedding(name, vocabulary, width, source, tied);
  let stream = graph.layerNorm(`${base}word_embeddings_layernorm`, width, [table]);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}h.${layer}`;
    const before = graph.layerNorm(`${prefix}.input_layernorm`, width, [stream]);
    const fused = graph.linear(`${prefix}.self_attention.query_key_value`, 3 * width, width, [before]);
    const softmax = graph.node(`${prefix}.self_attention.softmax`, 'msa', [], [fused]);
    const output = graph.linear(`${prefix}.self_attention.dense`, width, width, [softmax]);
    const attended = graph.node(
      `${prefix}.self_attention.sum`,
      'sum',
      [],
      [residualAfterNorm ? before : stream, output],
    );
    const after = graph.layerNorm(`${prefix}.post_attention_layernorm`, width, [attended]);
    const inner = graph.linear(`${prefix}.mlp.dense_h_to_4h`, 4 * width, width, [after]);
    const outer = graph.linear(`${prefix}.mlp.dense_4h_to_h`, width, 4 * width, [inner]);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [residualAfterNorm ? after : attended, outer]);
  }
  const last = graph.layerNorm(`${base}ln_f`, width, [stream]);
  return { last, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** By the configuration's names. */
function sizes(config: BloomConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    n_layer: config.layers,
    n_head: config.heads,
    vocab_size: config.vocabulary,
  };
}
