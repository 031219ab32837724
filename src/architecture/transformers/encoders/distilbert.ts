/** transformers' DistilBERT. Source: `modeling_distilbert.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier, questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { maskedLanguage } from '../heads/masked-language';

interface DistilBertConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Whether the table of positions is one of sines and cosines, which is then not predicted. */
  readonly sinusoids: boolean;
  readonly tied: boolean;
}

const PREFIX = 'distilbert.';

export const distilbert = describedFamily({
  modelType: 'distilbert',
  heads: [
    head('DistilBertForMaskedLM', PREFIX, [
      maskedLanguage({ dense: 'vocab_transform', norm: 'vocab_layer_norm', decoder: 'vocab_projector' }),
    ]),
    head('DistilBertForSequenceClassification', PREFIX, [denseClassifier('pre_classifier', 'classifier')]),
    bareModel('DistilBertModel'),
    head('DistilBertForTokenClassification', PREFIX, [classifier('classifier')]),
    head('DistilBertForQuestionAnswering', PREFIX, [questionAnswering({ exactly: 2 })]),
    head('DistilBertForMultipleChoice', PREFIX, [
      denseClassifier('pre_classifier', 'classifier', { outputs: 1 }),
    ]),
  ],
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
  // Sines of a narrower table's frequencies are not those of the wide one.
  widths: ({ sinusoids }) => (sinusoids ? undefined : ['dim', 'n_heads', 'hidden_dim']),
});

function readConfig(reader: ConfigReader, { ties }: Head): DistilBertConfig {
  const config: DistilBertConfig = {
    width: reader.width('dim'),
    layers: reader.size('n_layers'),
    heads: reader.width('n_heads'),
    hidden: reader.width('hidden_dim'),
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    sinusoids: reader.boolean('sinusoidal_pos_embds'),
    tied: reader.boolean('tie_word_embeddings') && ties,
  };
  reader.checkPadding(config.vocabulary);
  checkHeads(reader, config.width, 'dim', config.heads, 'n_heads');
  return config;
}

function body(
  graph: GraphBuilder,
  config: DistilBertConfig,
  { prefix }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, vocabulary, tied } = config;
  const name = `${prefix}embeddings.word_embeddings.weight`;
  const source = graph.node('input', 'input');
  const word = graph.embedding(name, vocabulary, width, source, tied);
  const positions = `${prefix}embeddings.position_embeddings.weight`;
  const position = config.sinusoids
    ? sinusoidTable(graph, positions, [config.positions, width], source)
    : graph.embedding(positions, config.positions, width, source);
  const embedded = graph.node(`${prefix}embeddings.sum`, 'sum', [], [word, position]);
  let stream = graph.layerNorm(`${prefix}embeddings.LayerNorm`, width, [embedded]);
  for (let layer = 0; layer < layers; layer++) {
    const own = `${prefix}transformer.layer.${layer}`;
    const heads = ['q', 'k', 'v'].map((part, slot) =>
      graph.linear(`${own}.attention.${part}_lin`, width, width, [stream], { slot }),
    );
    const attention = graph.node(`${own}.attention.softmax`, 'msa', [], heads);
    const output = graph.linear(`${own}.attention.out_lin`, width, width, [attention]);
    const attended = graph.node(`${own}.attention.sum`, 'sum', [], [output, stream]);
    const middle = graph.layerNorm(`${own}.sa_layer_norm`, width, [attended]);
    const inner = graph.linear(`${own}.ffn.lin1`, hidden, width, [middle]);
    const outer = graph.linear(`${own}.ffn.lin2`, width, hidden, [inner]);
    const sum = graph.node(`${own}.ffn.sum`, 'sum', [], [outer, middle]);
    stream = graph.layerNorm(`${own}.output_layer_norm`, width, [sum]);
  }
  return { last: stream, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** A table of positions with sines in its even columns and cosines in its odd ones. */
function sinusoidTable(
  graph: GraphBuilder,
  name: string,
  shape: readonly [number, number],
  source: number,
): number {
  const node = graph.node(name, 'pos_enc', shape, [source]);
  graph.initialized(name, shape, {
    rule: 'sinusoids',
    start: 0,
    base: 10_000,
    divisor: shape[1] / 2,
    interleaved: true,
  });
  return node;
}

/** By the configuration's names. */
function sizes(config: DistilBertConfig): Record<string, number> {
  return {
    dim: config.width,
    n_layers: config.layers,
    n_heads: config.heads,
    hidden_dim: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
