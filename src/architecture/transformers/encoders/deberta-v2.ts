/**
 * transformers' DeBERTa v2 and v3: BERT's layers, whose scores of attention have relative positions in them. What those are
 * computed from is left to the module's own rule. Source: `modeling_deberta_v2.py` of transformers 5.23.
 */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier, questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { maskedLanguage } from '../heads/masked-language';

interface DebertaConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Whether positions are added to the tokens, too. */
  readonly addsPositions: boolean;
  readonly tokenTypes: number;
  /** Rows of the table of relative positions; 0: there is none. */
  readonly relativePositions: number;
  /** Layers of each attention's own that read that table. */
  readonly relativeLayers: readonly string[];
  readonly normsRelative: boolean;
  /** Of the convolution behind the first layer; 0: there is none. */
  readonly kernel: number;
  readonly groups: number;
  readonly tied: boolean;
  readonly deviation: number;
}

const PREFIX = 'deberta.';

export const debertaV2 = describedFamily({
  modelType: 'deberta-v2',
  heads: [
    head('DebertaV2ForMaskedLM', PREFIX, [
      maskedLanguage({
        dense: 'cls.predictions.transform.dense',
        norm: 'cls.predictions.transform.LayerNorm',
        decoder: 'cls.predictions.decoder',
        bias: 'cls.predictions.bias',
      }),
    ]),
    bareModel('DebertaV2Model'),
    head('DebertaV2ForSequenceClassification', PREFIX, [denseClassifier('pooler.dense', 'classifier')]),
    head('DebertaV2ForTokenClassification', PREFIX, [classifier('classifier')]),
    head('DebertaV2ForQuestionAnswering', PREFIX, [questionAnswering()]),
    head('DebertaV2ForMultipleChoice', PREFIX, [
      denseClassifier('pooler.dense', 'classifier', { outputs: 1 }),
    ]),
  ],
  restrictions: [{ field: 'legacy', allowed: [true], reason: 'the head of newer releases is not supported' }],
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
});

function readConfig(reader: ConfigReader, { ties }: Head): DebertaConfig {
  const [width, heads] = [reader.size('hidden_size'), reader.size('num_attention_heads')];
  checkHeads(reader, width, 'hidden_size', heads, 'num_attention_heads');
  for (const [name, size] of [
    ['embedding_size', width],
    ['pooler_hidden_size', width],
    ['attention_head_size', width / heads],
  ] as const) {
    const given = reader.raw(name);
    if (given !== undefined && given !== size) reader.violation(name, `must be ${size} or absent`);
  }
  const positions = reader.size('max_position_embeddings');
  const relative = reader.boolean('relative_attention');
  const [limit, buckets] = [
    reader.size('max_relative_positions', -1),
    reader.size('position_buckets', -1, -1),
  ];
  const reach = buckets > 0 ? buckets : limit > 0 ? limit : positions;
  const kinds = names(reader.value('pos_att_type'));
  const shares = reader.boolean('share_att_key');
  const config: DebertaConfig = {
    ...{ width, heads, positions },
    layers: reader.size('num_hidden_layers'),
    hidden: reader.size('intermediate_size'),
    vocabulary: reader.size('vocab_size'),
    addsPositions: reader.boolean('position_biased_input'),
    tokenTypes: reader.size('type_vocab_size', 0),
    relativePositions: relative ? 2 * reach : 0,
    relativeLayers:
      relative && !shares
        ? [
            ...(kinds.includes('c2p') ? ['pos_key_proj'] : []),
            ...(kinds.includes('p2c') ? ['pos_query_proj'] : []),
          ]
        : [],
    normsRelative: names(reader.raw('norm_rel_ebd')).includes('layer_norm'),
    kernel: reader.size('conv_kernel_size', 0, 0),
    groups: reader.size('conv_groups', 1, 1),
    tied: reader.boolean('tie_word_embeddings') && ties,
    deviation: reader.initializerRange,
  };
  if (width % config.groups !== 0) reader.violation('conv_groups', `must be a divisor of ${width}`);
  reader.checkPadding(config.vocabulary);
  return config;
}

/** Of a list, or of a text with bars between them. */
function names(value: unknown): readonly string[] {
  if (typeof value === 'string')
    return value
      .toLowerCase()
      .split('|')
      .map((name) => name.trim());
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}

function body(
  graph: GraphBuilder,
  config: DebertaConfig,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, vocabulary, tied, deviation: standardDeviation } = config;
  const name = `${base}embeddings.word_embeddings.weight`;
  const embedded = embeddings(graph, `${base}embeddings`, config);
  const ownLayers = graph.keepPlace();
  const encoder = `${base}encoder`;
  if (config.relativePositions > 0) {
    const table = [config.relativePositions, width];
    graph.initialized(`${encoder}.rel_embeddings.weight`, table, { rule: 'normal', standardDeviation });
  }
  if (config.normsRelative) {
    graph.constant(`${encoder}.LayerNorm.weight`, [width], 1);
    graph.constant(`${encoder}.LayerNorm.bias`, [width], 0);
  }
  let stream = embedded;
  for (let layer = 0; layer < layers; layer++) {
    const before = stream;
    stream = graph.at(ownLayers, () => encoderLayer(graph, `${encoder}.layer.${layer}`, config, before));
    if (layer === 0 && config.kernel > 0)
      stream = convolution(graph, `${encoder}.conv`, config, before, stream);
  }
  return { last: stream, width, tokens: { name, entries: vocabulary, width, tied } };
}

function embeddings(graph: GraphBuilder, prefix: string, config: DebertaConfig): number {
  const { width, vocabulary, tied } = config;
  const source = graph.node('input', 'input');
  let sum = graph.embedding(`${prefix}.word_embeddings.weight`, vocabulary, width, source, tied);
  const add = (part: string, entries: number): void => {
    const table = graph.embedding(`${prefix}.${part}_embeddings.weight`, entries, width, source);
    sum = graph.node(`${prefix}.${part}_sum`, 'sum', [], [sum, table]);
  };
  if (config.addsPositions) add('position', config.positions);
  if (config.tokenTypes > 0) add('token_type', config.tokenTypes);
  return graph.layerNorm(`${prefix}.LayerNorm`, width, [sum]);
}

function encoderLayer(graph: GraphBuilder, prefix: string, config: DebertaConfig, stream: number): number {
  const { width, hidden, relativeLayers, deviation: standardDeviation } = config;
  const own = `${prefix}.attention.self`;
  const heads = ['query', 'key', 'value'].map((part, slot) =>
    graph.linear(`${own}.${part}_proj`, width, width, [stream], { slot }),
  );
  for (const layer of relativeLayers) {
    graph.initialized(`${own}.${layer}.weight`, [width, width], { rule: 'normal', standardDeviation });
    graph.constant(`${own}.${layer}.bias`, [width], 0);
  }
  const attention = graph.node(`${own}.softmax`, 'msa', [], heads);
  const output = graph.linear(`${prefix}.attention.output.dense`, width, width, [attention]);
  const attended = graph.node(`${prefix}.attention.output.sum`, 'sum', [], [output, stream]);
  const middle = graph.layerNorm(`${prefix}.attention.output.LayerNorm`, width, [attended]);
  const inner = graph.linear(`${prefix}.intermediate.dense`, hidden, width, [middle]);
  const outer = graph.linear(`${prefix}.output.dense`, width, hidden, [inner]);
  const sum = graph.node(`${prefix}.output.sum`, 'sum', [], [outer, middle]);
  return graph.layerNorm(`${prefix}.output.LayerNorm`, width, [sum]);
}

/** Along the tokens that the first layer reads, added to what it makes; such a convolution has no node. */
function convolution(
  graph: GraphBuilder,
  prefix: string,
  { width, kernel, groups, deviation: standardDeviation }: DebertaConfig,
  before: number,
  after: number,
): number {
  const shape = [width, width / groups, kernel];
  graph.initialized(`${prefix}.conv.weight`, shape, { rule: 'normal', standardDeviation });
  graph.constant(`${prefix}.conv.bias`, [width], 0);
  const sum = graph.node(`${prefix}.sum`, 'sum', [], [after, before]);
  return graph.layerNorm(`${prefix}.LayerNorm`, width, [sum]);
}

/** By the configuration's names. */
function sizes(config: DebertaConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
