/** transformers' Whisper. Source: `modeling_whisper.py` of transformers 5.23. */

import type { Filling } from '../../../graph/graph';
import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { language } from '../heads/language';
import { projectedMeanClassifier } from '../heads/projected-mean';
import { encoderDecoderLayers, NO_ENCODER, type Stack } from './attention';
import { namedSizes, readEncoderDecoder, type EncoderDecoderSizes } from './sizes';

interface WhisperConfig extends EncoderDecoderSizes {
  readonly bands: number;
  readonly positions: number;
  readonly decoderPositions: number;
  /** Whether classes are those of all layers' outputs, weighed, not of the last's. */
  readonly weighs: boolean;
  readonly tied: boolean;
}

export const whisper = describedFamily({
  modelType: 'whisper',
  heads: [
    head('WhisperForConditionalGeneration', 'model.', [language('proj_out')]),
    bareModel('WhisperModel'),
    head('WhisperForCausalLM', 'model.', [language('proj_out')], { decoderOnly: true }),
    head('WhisperForAudioClassification', '', [projectedMeanClassifier('projector', 'classifier')], {
      encoderOnly: true,
    }),
  ],
  read: readConfig,
  repeats: ({ layers, decoderLayers }) => [layers, decoderLayers],
  initializerRange: (reader) => reader.standardDeviation('init_std'),
  body,
  sizes: (config) => ({
    ...namedSizes(config),
    ...(config.encodes && { num_mel_bins: config.bands, max_source_positions: config.positions }),
    ...(config.decodes && { max_target_positions: config.decoderPositions }),
  }),
});

function readConfig(reader: ConfigReader, head: Head): WhisperConfig {
  const config: WhisperConfig = {
    ...readEncoderDecoder(reader, head),
    bands: reader.size('num_mel_bins'),
    positions: reader.size('max_source_positions'),
    decoderPositions: reader.size('max_target_positions'),
    weighs: reader.boolean('use_weighted_layer_sum') && head.encoderOnly,
    tied: reader.boolean('tie_word_embeddings') && head.ties,
  };
  if (config.encodes && (config.width % 2 !== 0 || config.width < 4)) {
    reader.violation(
      'd_model',
      `is ${config.width}; the encoder's positions need an even number of at least 4`,
    );
  }
  return config;
}

function body(
  graph: GraphBuilder,
  config: WhisperConfig,
  { prefix: base }: Head,
  [layers = 0, decoderLayers = 0]: readonly number[],
): Body {
  const { width, vocabulary, encodes, decodes, tied } = config;
  const source = graph.node('input', 'input');
  const states = layers + 1;
  if (config.weighs) graph.constant('layer_weights', [states], 1 / states);
  const made = encodes ? encoder(graph, `${base}encoder`, config, source, layers) : [];
  const encoded = made.at(-1) ?? NO_ENCODER;
  if (!decodes && encoded !== NO_ENCODER) {
    return { last: config.weighs ? graph.node('layers', 'concat', [], made) : encoded, width };
  }
  const name = `${base}decoder.embed_tokens.weight`;
  const tokens = graph.embedding(name, vocabulary, width, source, tied);
  graph.initialized(`${base}decoder.embed_positions.weight`, [config.decoderPositions, width], drawn(config));
  const stack = { ...common(config), hidden: config.decoderHidden, layers: decoderLayers };
  const decoded = encoderDecoderLayers(graph, `${base}decoder`, stack, tokens, encoded).at(-1) ?? tokens;
  const final = graph.layerNorm(`${base}decoder.layer_norm`, width, [decoded]);
  return { last: final, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** What its layers read, one after the other, and what the last one makes, normalised. */
function encoder(
  graph: GraphBuilder,
  prefix: string,
  config: WhisperConfig,
  source: number,
  layers: number,
): number[] {
  const { width } = config;
  // Convolutions over time are no operation that a hypernetwork knows.
  for (const [index, channels] of [config.bands, width].entries()) {
    const name = `${prefix}.conv${index + 1}`;
    graph.initialized(`${name}.weight`, [width, channels, 3], drawn(config));
    graph.constant(`${name}.bias`, [width], 0);
  }
  const positions = `${prefix}.embed_positions.weight`;
  const table = [config.positions, width];
  const position = graph.node(positions, 'pos_enc', table, [source]);
  // A table that is never trained: sines in its first half, cosines in the second.
  graph.initialized(positions, table, {
    rule: 'sinusoids',
    start: 0,
    base: 10_000,
    divisor: width / 2 - 1,
    interleaved: false,
  });
  const heard = graph.node(`${prefix}.sum`, 'sum', [], [source, position]);
  const stack = { ...common(config), hidden: config.hidden, layers };
  const made = [heard, ...encoderDecoderLayers(graph, prefix, stack, heard)];
  const last = graph.layerNorm(`${prefix}.layer_norm`, width, made.slice(-1));
  return [...made.slice(0, -1), last];
}

/** What both stacks have. */
function common({ width, deviation }: WhisperConfig): Omit<Stack, 'hidden' | 'layers'> {
  return { width, deviation, normBefore: true, keyBias: false };
}

function drawn({ deviation }: WhisperConfig): Filling {
  return { rule: 'normal', standardDeviation: deviation };
}
