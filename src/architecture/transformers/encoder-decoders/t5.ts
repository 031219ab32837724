/** transformers' T5. Source: `modeling_t5.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier, questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { language } from '../heads/language';

interface T5Config {
  readonly width: number;
  readonly headSize: number;
  readonly heads: number;
  readonly hidden: number;
  readonly gated: boolean;
  readonly layers: number;
  readonly decoderLayers: number;
  readonly buckets: number;
  readonly vocabulary: number;
  readonly tied: boolean;
  /** Standard deviation of the biases of relative positions, by rule. */
  readonly biasDeviation: number;
}

const WITHIN = 'transformer.';

export const t5 = describedFamily({
  modelType: 't5',
  heads: [
    head('T5ForConditionalGeneration', '', [language()]),
    bareModel('T5Model'),
    bareModel('T5EncoderModel', { encoderOnly: true }),
    head('T5ForSequenceClassification', WITHIN, [
      denseClassifier('classification_head.dense', 'classification_head.out_proj'),
    ]),
    head('T5ForTokenClassification', WITHIN, [classifier('classifier')], { encoderOnly: true }),
    head('T5ForQuestionAnswering', '', [questionAnswering()]),
  ],
  restrictions: [
    { field: 'is_decoder', allowed: [false], reason: 'an encoder that is a decoder is not supported' },
  ],
  read: readConfig,
  // The first layer of each stack has the biases of relative positions for all.
  repeats: ({ layers, decoderLayers }) => [layers - 1, decoderLayers - 1],
  body,
  sizes,
});

function readConfig(reader: ConfigReader, { ties, encoderOnly }: Head): T5Config {
  const width = reader.size('d_model');
  const layers = reader.size('num_layers');
  const [first = '', ...rest] = reader.string('feed_forward_proj').split('-');
  if ((rest.length > 0 && first !== 'gated') || rest.length > 1) {
    reader.violation(
      'feed_forward_proj',
      'must be a function, or "gated-" and a function, such as "gated-gelu"',
    );
  }
  return {
    width,
    headSize: reader.size('d_kv'),
    heads: reader.size('num_heads'),
    hidden: reader.size('d_ff'),
    gated: first === 'gated',
    layers,
    decoderLayers: encoderOnly ? 1 : (reader.optionalSize('num_decoder_layers') ?? layers),
    buckets: reader.size('relative_attention_num_buckets'),
    vocabulary: reader.size('vocab_size'),
    tied: ties,
    biasDeviation: reader.standardDeviation('initializer_factor') * width ** -0.5,
  };
}

function body(
  graph: GraphBuilder,
  config: T5Config,
  { prefix: base, encoderOnly }: Head,
  [layers = 0, decoderLayers = 0]: readonly number[],
): Body {
  const { width, vocabulary, tied } = config;
  const name = `${base}shared.weight`;
  const shape = [vocabulary, width];
  const source = graph.node('input', 'input');
  const tokens = graph.embedding(name, vocabulary, width, source, tied);
  graph.tied(`${base}encoder.embed_tokens.weight`, shape, name);
  const encoded = stack(graph, `${base}encoder`, config, tokens, layers + 1);
  const table = { name, entries: vocabulary, width, tied };
  if (encoderOnly) return { last: encoded, width, tokens: table };
  const decoded = graph.node(`${name}.decoder`, tied ? 'conv' : 'pos_enc', shape, [source]);
  graph.tied(`${base}decoder.embed_tokens.weight`, shape, name);
  const last = stack(graph, `${base}decoder`, config, decoded, decoderLayers + 1, encoded);
  return { last, width, tokens: table };
}

/** Layers and their last norm; those of a decoder read what the encoder made. */
function stack(
  graph: GraphBuilder,
  base: string,
  config: T5Config,
  tokens: number,
  layers: number,
  encoded?: number,
): number {
  const { width, heads, buckets, biasDeviation: standardDeviation } = config;
  const normed = (name: string, after: number, add: (normed: number) => number): number => {
    const norm = graph.rmsNormNode(`${name}.layer_norm`, width, [after]);
    const output = add(norm);
    graph.rmsNormParameter(`${name}.layer_norm`, width, norm);
    return graph.node(`${name}.sum`, 'sum', [], [after, output]);
  };
  let stream = tokens;
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}.block.${layer}.layer`;
    stream = normed(`${prefix}.0`, stream, (after) => {
      const output = attention(graph, `${prefix}.0.SelfAttention`, config, after, after);
      if (layer === 0) {
        const name = `${prefix}.0.SelfAttention.relative_attention_bias.weight`;
        graph.initialized(name, [buckets, heads], { rule: 'normal', standardDeviation });
      }
      return output;
    });
    if (encoded !== undefined) {
      stream = normed(`${prefix}.1`, stream, (after) =>
        attention(graph, `${prefix}.1.EncDecAttention`, config, after, encoded),
      );
    }
    const last = `${prefix}.${encoded === undefined ? 1 : 2}`;
    stream = normed(last, stream, (after) => feedForward(graph, `${last}.DenseReluDense`, config, after));
  }
  const final = graph.rmsNormNode(`${base}.final_layer_norm`, width, [stream]);
  graph.rmsNormParameter(`${base}.final_layer_norm`, width, final);
  return final;
}

function attention(
  graph: GraphBuilder,
  prefix: string,
  { width, heads, headSize }: T5Config,
  queries: number,
  keys: number,
): number {
  const inner = heads * headSize;
  const parts = [queries, keys, keys].map((after, slot) =>
    graph.linear(`${prefix}.${'qkv'.charAt(slot)}`, inner, width, [after], { bias: false, slot }),
  );
  const softmax = graph.node(`${prefix}.softmax`, 'msa', [], parts);
  return graph.linear(`${prefix}.o`, width, inner, [softmax], { bias: false });
}

function feedForward(
  graph: GraphBuilder,
  prefix: string,
  { width, hidden, gated }: T5Config,
  after: number,
): number {
  const inner = gated
    ? graph.node(
        `${prefix}.gate`,
        'gate',
        [],
        ['wi_0', 'wi_1'].map((part, slot) =>
          graph.linear(`${prefix}.${part}`, hidden, width, [after], { bias: false, slot }),
        ),
      )
    : graph.linear(`${prefix}.wi`, hidden, width, [after], { bias: false });
  return graph.linear(`${prefix}.wo`, width, hidden, [inner], { bias: false });
}

/** By the configuration's names. */
function sizes(config: T5Config): Record<string, number> {
  return {
    d_model: config.width,
    num_layers: config.layers,
    num_decoder_layers: config.decoderLayers,
    num_heads: config.heads,
    d_kv: config.headSize,
    d_ff: config.hidden,
    vocab_size: config.vocabulary,
  };
}
