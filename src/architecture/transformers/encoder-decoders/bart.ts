/** transformers' BART. Source: `modeling_bart.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { language } from '../heads/language';
import { encoderDecoderLayers } from './attention';
import { namedSizes, readEncoderDecoder, type EncoderDecoderSizes } from './sizes';

interface BartConfig extends EncoderDecoderSizes {
  readonly positions: number;
  readonly tied: boolean;
}

/** Rows of the position tables before those of the positions. */
const POSITION_OFFSET = 2;
/** Labels where the configuration does not say. */
const LABELS = 3;
const PREFIX = 'model.';

export const bart = describedFamily({
  modelType: 'bart',
  heads: [
    head('BartForConditionalGeneration', PREFIX, [language()]),
    bareModel('BartModel'),
    head('BartForSequenceClassification', PREFIX, [
      denseClassifier('classification_head.dense', 'classification_head.out_proj', { labels: LABELS }),
    ]),
    head('BartForQuestionAnswering', PREFIX, [questionAnswering({ outputs: 2 })]),
  ],
  restrictions: [
    { field: 'tie_word_embeddings', allowed: [true], reason: 'tables of tokens apart are not supported' },
  ],
  read: readConfig,
  repeats: ({ layers, decoderLayers }) => [layers, decoderLayers],
  initializerRange: (reader) => reader.standardDeviation('init_std'),
  body,
  sizes: (config) => ({ ...namedSizes(config), max_position_embeddings: config.positions }),
});

function readConfig(reader: ConfigReader, { ties }: Head): BartConfig {
  return {
    ...readEncoderDecoder(reader),
    positions: reader.size('max_position_embeddings'),
    tied: ties,
  };
}

function body(
  graph: GraphBuilder,
  config: BartConfig,
  { prefix: base }: Head,
  [layers = 0, decoderLayers = 0]: readonly number[],
): Body {
  const { width, vocabulary, tied } = config;
  const name = `${base}shared.weight`;
  const shape = [vocabulary, width];
  const source = graph.node('input', 'input');
  const tokens = graph.embedding(name, vocabulary, width, source, tied);
  const common = { width, normBefore: false, keyBias: true };
  const encoded = stack(`${base}encoder`, tokens, (first) =>
    encoderDecoderLayers(graph, `${base}encoder`, { ...common, hidden: config.hidden, layers }, first),
  );
  const again = graph.node(`${name}.decoder`, tied ? 'conv' : 'pos_enc', shape, [source]);
  const decoder = { ...common, hidden: config.decoderHidden, layers: decoderLayers };
  const last = stack(`${base}decoder`, again, (first) =>
    encoderDecoderLayers(graph, `${base}decoder`, decoder, first, encoded),
  );
  return { last, width, tokens: { name, entries: vocabulary, width, tied } };

  function stack(prefix: string, from: number, add: (first: number) => number): number {
    graph.tied(`${prefix}.embed_tokens.weight`, shape, name);
    const rows = config.positions + POSITION_OFFSET;
    const positions = graph.embedding(`${prefix}.embed_positions.weight`, rows, width, source);
    const layerPlace = graph.keepPlace();
    const sum = graph.node(`${prefix}.sum`, 'sum', [], [from, positions]);
    const norm = graph.layerNorm(`${prefix}.layernorm_embedding`, width, [sum]);
    return graph.at(layerPlace, () => add(norm));
  }
}
