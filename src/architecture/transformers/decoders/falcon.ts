/** transformers' Falcon, in its three forms. Source: `modeling_falcon.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import type { Body, Head } from '../heads/head';
import { decoderHeads } from './decoder-heads';
import { ownOrOldSize } from './old-names';

interface FalconConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Outputs of the projection to queries, keys and values. */
  readonly fused: number;
  readonly bias: boolean;
  /** Attention's positions are a penalty of distance, not a rotation. */
  readonly alibi: boolean;
  readonly norms: NormPlacement;
  readonly tied: boolean;
}

/** `each`: attention and feed-forward layer have a norm each, side by side; `shared`: one; `in-turn`: one after the other. */
type NormPlacement = 'each' | 'shared' | 'in-turn';

export const falcon = describedFamily({
  modelType: 'falcon',
  heads: decoderHeads('Falcon', {
    body: 'transformer.',
    tokenClassifier: 'classifier',
    questionBody: 'transformer.',
  }),
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
});

function readConfig(reader: ConfigReader, { ties }: Head): FalconConfig {
  const width = ownOrOldSize(reader);
  const heads = reader.size('num_attention_heads');
  const keyValueHeads = reader.optionalSize('num_kv_heads') ?? heads;
  const newer = reader.boolean('new_decoder_architecture');
  const headSize = Math.floor(width / heads);
  const older = reader.boolean('multi_query') ? width + 2 * headSize : 3 * width;
  for (const name of ['hidden_dropout', 'attention_dropout']) {
    if (reader.raw(name) === null) reader.violation(name, 'must be a number, not null');
  }
  checkHeads(reader, width, 'hidden_size', heads, 'num_attention_heads');
  return {
    width,
    layers: reader.size('num_hidden_layers'),
    heads,
    hidden: reader.optionalSize('ffn_hidden_size') ?? 4 * width,
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    fused: newer ? (heads + 2 * keyValueHeads) * headSize : older,
    bias: reader.boolean('bias'),
    alibi: reader.boolean('alibi'),
    norms: normPlacement(reader, newer),
    tied: reader.boolean('tie_word_embeddings') && ties,
  };
}

function normPlacement(reader: ConfigReader, newer: boolean): NormPlacement {
  const parallel = reader.boolean('parallel_attn');
  const count = reader.optionalSize('num_ln_in_parallel_attn', 0) ?? (newer ? 2 : undefined);
  if (!newer && parallel && count === 2) {
    reader.violation('num_ln_in_parallel_attn', 'is 2, which needs new_decoder_architecture');
  }
  if (newer && (!parallel || (count !== 1 && count !== 2))) {
    const needed = 'parallel_attn and 1 or 2 num_ln_in_parallel_attn';
    reader.violation(
      'new_decoder_architecture',
      `is true, which needs ${needed}; transformers builds it, but cannot run it`,
    );
  }
  if (!parallel) return 'in-turn';
  return count === 2 ? 'each' : 'shared';
}

function body(
  graph: GraphBuilder,
  config: FalconConfig,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, vocabulary, bias, norms, tied } = config;
  const name = `${base}word_embeddings.weight`;
  const source = graph.node('input', 'input');
  let stream = graph.embedding(name, vocabulary, width, source, tied);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}h.${layer}`;
    const attentionNorm = graph.layerNormNode(
      `${prefix}.${norms === 'each' ? 'ln_attn' : 'input_layernorm'}`,
      width,
      [stream],
    );
    const ownNorm =
      norms === 'each' ? graph.layerNormNode(`${prefix}.ln_mlp`, width, [stream]) : attentionNorm;
    const output = attention(graph, `${prefix}.self_attention`, config, attentionNorm);
    const sum = (part: string, first: number, second: number): number =>
      graph.node(`${prefix}.${part}.sum`, 'sum', [], [first, second]);
    const attended = norms === 'in-turn' ? sum('self_attention', stream, output) : stream;
    const mlpNorm =
      norms === 'in-turn'
        ? graph.layerNormNode(`${prefix}.post_attention_layernorm`, width, [attended])
        : ownNorm;
    const inner = graph.linear(`${prefix}.mlp.dense_h_to_4h`, hidden, width, [mlpNorm], { bias });
    const outer = graph.linear(`${prefix}.mlp.dense_4h_to_h`, width, hidden, [inner], { bias });
    const both = norms === 'in-turn' ? outer : sum('self_attention', outer, output);
    stream = sum('mlp', attended, both);
    registerNorms(graph, prefix, width, norms, attentionNorm, mlpNorm);
  }
  const last = graph.layerNorm(`${base}ln_f`, width, [stream]);
  return { last, width, tokens: { name, entries: vocabulary, width, tied } };
}

function attention(graph: GraphBuilder, prefix: string, config: FalconConfig, after: number): number {
  const { width, fused, bias, alibi } = config;
  const projected = graph.linear(`${prefix}.query_key_value`, fused, width, [after], { bias });
  const rotated = ['q', 'k'].map((part) =>
    alibi ? projected : graph.node(`${prefix}.${part}_rotary`, 'rot_emb', [], [projected]),
  );
  const read = [...new Set([...rotated, projected])];
  const softmax = graph.node(`${prefix}.softmax`, 'msa', [], read);
  return graph.linear(`${prefix}.dense`, width, width, [softmax], { bias });
}

/** The module lists them last. */
function registerNorms(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  norms: NormPlacement,
  attentionNorm: number,
  mlpNorm: number,
): void {
  const add = (part: string, node: number): void => {
    graph.layerNormParameters(`${prefix}.${part}`, width, node);
  };
  if (norms === 'each') {
    add('ln_attn', attentionNorm);
    add('ln_mlp', mlpNorm);
    return;
  }
  if (norms === 'in-turn') add('post_attention_layernorm', mlpNorm);
  add('input_layernorm', attentionNorm);
}

/** By the configuration's names. */
function sizes(config: FalconConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    ffn_hidden_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
