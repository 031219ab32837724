/**
 * transformers' GPT-2. Source: `modeling_gpt2.py` of transformers 5.23; nodes and edges as the LoGAH authors' tracer has
 * them, see `docs/decisions/010-gpt2-graph.md`.
 */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import { NO_CROSS_ATTENTION } from '../family';
import type { GraphBuilder } from '../graph-builder';
import { classifier, questionAnswering } from '../heads/classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { language } from '../heads/language';
import { summary } from '../heads/summary';

interface Gpt2Config {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tied: boolean;
}

const PREFIX = 'transformer.';

export const gpt2 = describedFamily({
  modelType: 'gpt2',
  heads: [
    head('GPT2LMHeadModel', PREFIX, [language()]),
    bareModel('GPT2Model'),
    head('GPT2DoubleHeadsModel', PREFIX, [
      language(),
      summary('multiple_choice_head.summary', { labels: 1 }),
    ]),
    head('GPT2ForSequenceClassification', PREFIX, [classifier('score', { bias: false, whole: false })]),
    head('GPT2ForTokenClassification', PREFIX, [classifier('classifier')]),
    head('GPT2ForQuestionAnswering', PREFIX, [questionAnswering({ outputs: 2 })]),
  ],
  restrictions: [NO_CROSS_ATTENTION],
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
  widths: () => ['hidden_size', 'num_attention_heads', 'intermediate_size'],
});

function readConfig(reader: ConfigReader, { ties }: Head): Gpt2Config {
  const width = reader.width('n_embd');
  const config: Gpt2Config = {
    width,
    layers: reader.size('n_layer'),
    heads: reader.width('n_head'),
    hidden: reader.optionalWidth('n_inner') ?? 4 * width,
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('n_positions'),
    tied: reader.boolean('tie_word_embeddings') && ties,
  };
  if (reader.violations.none) checkHeads(reader, width, 'n_embd', config.heads, 'n_head');
  return config;
}

function body(
  graph: GraphBuilder,
  config: Gpt2Config,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, vocabulary, positions, tied } = config;

  /** transformers' Conv1D: a linear layer whose weight is stored as [in, out]. */
  const conv1d = (prefix: string, inFeatures: number, outFeatures: number, after: number): number => {
    const weight = graph.node(`${prefix}.weight`, 'conv', [inFeatures, outFeatures], [after]);
    const bias = graph.node(`${prefix}.bias`, 'bias', [outFeatures], [weight]);
    graph.predicted(`${prefix}.weight`, [inFeatures, outFeatures], weight, 'matrix', { inputAxis: 0 });
    graph.predicted(`${prefix}.bias`, [outFeatures], bias, 'bias');
    return bias;
  };

  /** One node for queries, keys and values, and three blocks of its parameter. */
  const queryKeyValue = (prefix: string, after: number): number => {
    const shape = [width, 3 * width];
    const lengths = [width, width, width];
    const weight = graph.node(`${prefix}.weight`, 'conv', shape, [after]);
    const bias = graph.node(`${prefix}.bias`, 'bias', [3 * width], [weight]);
    graph.joined(`${prefix}.weight`, shape, weight, 'matrix', lengths, { axis: 1, inputAxis: 0 });
    graph.joined(`${prefix}.bias`, [3 * width], bias, 'bias', lengths);
    return bias;
  };

  const name = `${base}wte.weight`;
  const source = graph.node('input', 'input');
  const token = graph.embedding(name, vocabulary, width, source, tied);
  const position = graph.embedding(`${base}wpe.weight`, positions, width, source);
  let stream = graph.node(`${base}sum`, 'sum', [], [token, position]);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}h.${layer}`;
    const before = graph.layerNorm(`${prefix}.ln_1`, width, [stream]);
    const attention = graph.node(
      `${prefix}.attn.softmax`,
      'msa',
      [],
      [queryKeyValue(`${prefix}.attn.c_attn`, before)],
    );
    const output = conv1d(`${prefix}.attn.c_proj`, width, width, attention);
    stream = graph.node(`${prefix}.attn.sum`, 'sum', [], [stream, output]);
    const after = graph.layerNorm(`${prefix}.ln_2`, width, [stream]);
    const inner = conv1d(`${prefix}.mlp.c_fc`, width, hidden, after);
    const outer = conv1d(`${prefix}.mlp.c_proj`, hidden, width, inner);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, outer]);
  }
  const last = graph.layerNorm(`${base}ln_f`, width, [stream]);
  return { last, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** By transformers' canonical names. */
function sizes(config: Gpt2Config): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
