/** transformers' OPT. Source: `modeling_opt.py` and `configuration_opt.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import type { Body, Head } from '../heads/head';
import { classifier, questionAnswering } from '../heads/classifier';
import { bareModel, head } from '../heads/head';
import { language } from '../heads/language';

/** Rows of the position table before those of the positions. */
const POSITION_OFFSET = 2;

interface OptConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Whether projections lead from the token table to the width and back. */
  readonly projected: boolean;
  /** Of the token table. */
  readonly tokenWidth: number;
  readonly tied: boolean;
  readonly bias: boolean;
  /** Before attention and feed-forward layer, not after their sums. */
  readonly normBefore: boolean;
  readonly finalNorm: boolean;
  /** Whether norms have parameters; one that has none is no node. */
  readonly affine: boolean;
}

const PREFIX = 'model.';

export const opt = describedFamily({
  modelType: 'opt',
  heads: [
    head('OPTForCausalLM', PREFIX, [language()]),
    bareModel('OPTModel'),
    head('OPTForSequenceClassification', PREFIX, [classifier('score', { bias: false, whole: false })]),
    head('OPTForQuestionAnswering', PREFIX, [questionAnswering({ outputs: 2 })]),
  ],
  read: readConfig,
  repeats: ({ layers }) => [layers],
  initializerRange: (reader) => reader.standardDeviation('init_std'),
  body,
  sizes,
  widths,
});

function readConfig(reader: ConfigReader, { ties }: Head): OptConfig {
  const width = reader.width('hidden_size');
  const tokenWidth = reader.optionalSize('word_embed_proj_dim') ?? width * reader.copies;
  // Between projections the table stays as narrow as it is, however wide the rest becomes.
  const projected = tokenWidth !== width * reader.copies;
  const normBefore = reader.boolean('do_layer_norm_before');
  const config: OptConfig = {
    width,
    layers: reader.size('num_hidden_layers'),
    heads: reader.width('num_attention_heads'),
    hidden: reader.width('ffn_dim'),
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    projected,
    tokenWidth: projected ? tokenWidth : width,
    tied: reader.boolean('tie_word_embeddings') && ties,
    bias: reader.boolean('enable_bias'),
    normBefore,
    finalNorm: !reader.boolean('_remove_final_layer_norm') && normBefore,
    affine: reader.boolean('layer_norm_elementwise_affine'),
  };
  reader.checkPadding(config.vocabulary);
  checkHeads(reader, width, 'hidden_size', config.heads, 'num_attention_heads');
  return config;
}

function body(
  graph: GraphBuilder,
  config: OptConfig,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, vocabulary, tokenWidth, projected, bias, normBefore, tied } = config;
  const norm = (name: string, after: number): number =>
    config.affine ? graph.layerNorm(name, width, [after]) : after;

  /** A layer, the sum with what it reads, and its norm, which the module registers after it. */
  const residual = (
    name: string,
    normName: string,
    stream: number,
    add: (after: number) => number,
  ): number => {
    const layer = graph.keepPlace();
    const before = normBefore ? norm(normName, stream) : stream;
    const output = graph.at(layer, () => add(before));
    const sum = graph.node(`${name}.sum`, 'sum', [], [stream, output]);
    return normBefore ? sum : norm(normName, sum);
  };

  const decoder = `${base}decoder`;
  const tokens = `${decoder}.embed_tokens.weight`;
  const positions = config.positions + POSITION_OFFSET;
  const source = graph.node('input', 'input');
  const token = graph.embedding(tokens, vocabulary, tokenWidth, source, tied);
  const position = graph.embedding(`${decoder}.embed_positions.weight`, positions, width, source);
  const projectOut = graph.keepPlace();
  const wide = projected
    ? graph.linear(`${decoder}.project_in`, width, tokenWidth, [token], { bias: false })
    : token;
  const finalNorm = graph.keepPlace();
  let stream = graph.node(`${decoder}.sum`, 'sum', [], [wide, position]);

  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${decoder}.layers.${layer}`;
    const attention = `${prefix}.self_attn`;
    stream = residual(attention, `${prefix}.self_attn_layer_norm`, stream, (after) => {
      const project = (part: string, slot: number): number =>
        graph.linear(`${attention}.${part}_proj`, width, width, [after], { bias, slot });
      // The module registers key and value before the query, which is computed first.
      const [keyPlace, valuePlace] = [graph.keepPlace(), graph.keepPlace()];
      const query = project('q', 0);
      const key = graph.at(keyPlace, () => project('k', 1));
      const value = graph.at(valuePlace, () => project('v', 2));
      const softmax = graph.node(`${attention}.softmax`, 'msa', [], [query, key, value]);
      return graph.linear(`${attention}.out_proj`, width, width, [softmax], { bias });
    });
    stream = residual(`${prefix}.fc`, `${prefix}.final_layer_norm`, stream, (after) => {
      const inner = graph.linear(`${prefix}.fc1`, hidden, width, [after], { bias });
      return graph.linear(`${prefix}.fc2`, width, hidden, [inner], { bias });
    });
  }
  if (config.finalNorm) stream = graph.at(finalNorm, () => norm(`${decoder}.final_layer_norm`, stream));
  if (projected) {
    stream = graph.at(projectOut, () =>
      graph.linear(`${decoder}.project_out`, tokenWidth, width, [stream], {
        bias: false,
        classifier: base === '',
      }),
    );
  }
  const outWidth = projected ? tokenWidth : width;
  return {
    last: stream,
    width: outWidth,
    tokens: { name: tokens, entries: vocabulary, width: tokenWidth, tied },
  };
}

function widths({ projected }: OptConfig): string[] {
  const always = ['hidden_size', 'num_attention_heads', 'ffn_dim'];
  return projected ? always : [...always, 'word_embed_proj_dim'];
}

/** By the configuration's names. */
function sizes(config: OptConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    ffn_dim: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
    word_embed_proj_dim: config.tokenWidth,
  };
}
