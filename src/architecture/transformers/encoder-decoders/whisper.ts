/** transformers' Whisper. Source: `modeling_whisper.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { language } from '../heads/language';
import { encoderDecoderLayers } from './attention';
import { namedSizes, readEncoderDecoder, type EncoderDecoderSizes } from './sizes';

interface WhisperConfig extends EncoderDecoderSizes {
  readonly bands: number;
  readonly positions: number;
  readonly decoderPositions: number;
  readonly tied: boolean;
}

export const whisper = describedFamily({
  modelType: 'whisper',
  heads: [
    head('WhisperForConditionalGeneration', 'model.', [language('proj_out')]),
    bareModel('WhisperModel'),
  ],
  read: readConfig,
  repeats: ({ layers, decoderLayers }) => [layers, decoderLayers],
  initializerRange: (reader) => reader.standardDeviation('init_std'),
  body,
  sizes: (config) => ({
    ...namedSizes(config),
    num_mel_bins: config.bands,
    max_source_positions: config.positions,
    max_target_positions: config.decoderPositions,
  }),
});

function readConfig(reader: ConfigReader, head: Head): WhisperConfig {
  const config: WhisperConfig = {
    ...readEncoderDecoder(reader, head),
    bands: reader.size('num_mel_bins'),
    positions: reader.size('max_source_positions'),
    decoderPositions: reader.size('max_target_positions'),
    tied: reader.boolean('tie_word_embeddings') && head.ties,
  };
  if (config.width % 2 !== 0 || config.width < 4) {
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
  const { width, vocabulary, tied, deviation: standardDeviation } = config;
  const drawn = { rule: 'normal', standardDeviation } as const;
  const common = { width, normBefore: true, keyBias: false, deviation: standardDeviation };
  const source = graph.node('input', 'input');
  // Convolutions over time are no operation that a hypernetwork knows.
  for (const [index, channels] of [config.bands, width].entries()) {
    const name = `${base}encoder.conv${index + 1}`;
    graph.initialized(`${name}.weight`, [width, channels, 3], drawn);
    graph.constant(`${name}.bias`, [width], 0);
  }
  const positions = `${base}encoder.embed_positions.weight`;
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
  const heard = graph.node(`${base}encoder.sum`, 'sum', [], [source, position]);
  const encoder = { ...common, hidden: config.hidden, layers };
  const last = encoderDecoderLayers(graph, `${base}encoder`, encoder, heard).at(-1) ?? heard;
  const encoded = graph.layerNorm(`${base}encoder.layer_norm`, width, [last]);

  const name = `${base}decoder.embed_tokens.weight`;
  const tokens = graph.embedding(name, vocabulary, width, source, tied);
  graph.initialized(`${base}decoder.embed_positions.weight`, [config.decoderPositions, width], drawn);
  const decoder = { ...common, hidden: config.decoderHidden, layers: decoderLayers };
  const decoded = encoderDecoderLayers(graph, `${base}decoder`, decoder, tokens, encoded).at(-1) ?? tokens;
  const final = graph.layerNorm(`${base}decoder.layer_norm`, width, [decoded]);
  return { last: final, width, tokens: { name, entries: vocabulary, width, tied } };
}
