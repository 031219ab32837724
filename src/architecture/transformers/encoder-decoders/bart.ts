/** transformers' BART. Source: `modeling_bart.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { questionAnswering } from '../heads/classifier';
import { denseClassifier } from '../heads/dense-classifier';
import { bareModel, head, type Body, type Head, type TokenTable } from '../heads/head';
import { language } from '../heads/language';
import { encoderDecoderLayers, NO_ENCODER } from './attention';
import { namedSizes, readEncoderDecoder, type EncoderDecoderSizes } from './sizes';

interface BartConfig extends EncoderDecoderSizes {
  readonly positions: number;
  /** Whether encoder and decoder read one table of tokens. */
  readonly shares: boolean;
  /** Whether the head is a table of tokens, too. */
  readonly tied: boolean;
  /** The token whose row is zeros. */
  readonly padding: unknown;
}

/** Rows of the position tables before those of the positions. */
const POSITION_OFFSET = 2;
/** Labels where the configuration does not say. */
const LABELS = 3;
const PREFIX = 'model.';

export const bart = describedFamily({
  modelType: 'bart',
  heads: [
    // A buffer is added to what its layer makes.
    head('BartForConditionalGeneration', PREFIX, [language('lm_head', { whole: false })]),
    bareModel('BartModel'),
    head('BartForCausalLM', PREFIX, [language()], { decoderOnly: true }),
    head('BartForSequenceClassification', PREFIX, [
      denseClassifier('classification_head.dense', 'classification_head.out_proj', { labels: LABELS }),
    ]),
    head('BartForQuestionAnswering', PREFIX, [questionAnswering({ outputs: 2 })]),
  ],
  read: readConfig,
  repeats: ({ layers, decoderLayers }) => [layers, decoderLayers],
  initializerRange: (reader) => reader.standardDeviation('init_std'),
  body,
  sizes: (config) => ({ ...namedSizes(config), max_position_embeddings: config.positions }),
});

function readConfig(reader: ConfigReader, head: Head): BartConfig {
  const shares = reader.boolean('tie_word_embeddings');
  return {
    ...readEncoderDecoder(reader, head),
    positions: reader.size('max_position_embeddings'),
    shares,
    tied: shares && head.ties,
    padding: reader.value('pad_token_id'),
  };
}

function body(
  graph: GraphBuilder,
  config: BartConfig,
  { prefix: base }: Head,
  [layers = 0, decoderLayers = 0]: readonly number[],
): Body {
  const { width, vocabulary, encodes, shares, tied, deviation } = config;
  const shape = [vocabulary, width] as const;
  const source = graph.node('input', 'input');
  const common = { width, deviation, normBefore: false, keyBias: true };
  const decoder = { ...common, hidden: config.decoderHidden, layers: decoderLayers };
  const table = (name: string): TokenTable => ({ name, entries: vocabulary, width, tied });
  if (!encodes) {
    const name = `${base}decoder.embed_tokens.weight`;
    const tokens = graph.embedding(name, vocabulary, width, source, tied);
    const last = stack(`${base}decoder`, tokens, (prefix, first) =>
      encoderDecoderLayers(graph, prefix, decoder, first, NO_ENCODER),
    );
    return { last, width, tokens: table(name) };
  }
  const name = `${base}shared.weight`;
  const first = shares ? graph.embedding(name, vocabulary, width, source, tied) : undefined;
  if (!shares) graph.unreadTable(name, shape, deviation, config.padding);
  const encoder = { ...common, hidden: config.hidden, layers };
  const encoded = stack(`${base}encoder`, first ?? ownTable(`${base}encoder`), (prefix, embedded) => {
    return encoderDecoderLayers(graph, prefix, encoder, embedded);
  });
  const again = shares
    ? graph.node(`${name}.decoder`, tied ? 'conv' : 'pos_enc', shape, [source])
    : ownTable(`${base}decoder`);
  const last = stack(`${base}decoder`, again, (prefix, embedded) =>
    encoderDecoderLayers(graph, prefix, decoder, embedded, encoded),
  );
  return { last, width, tokens: table(name) };

  function ownTable(prefix: string): number {
    return graph.embedding(`${prefix}.embed_tokens.weight`, vocabulary, width, source);
  }

  function stack(prefix: string, tokens: number, add: (prefix: string, first: number) => number[]): number {
    if (encodes && shares) graph.tied(`${prefix}.embed_tokens.weight`, shape, `${base}shared.weight`);
    const rows = config.positions + POSITION_OFFSET;
    const positions = graph.embedding(`${prefix}.embed_positions.weight`, rows, width, source);
    const layerPlace = graph.keepPlace();
    const sum = graph.node(`${prefix}.sum`, 'sum', [], [tokens, positions]);
    const norm = graph.layerNorm(`${prefix}.layernorm_embedding`, width, [sum]);
    return graph.at(layerPlace, () => add(prefix, norm)).at(-1) ?? norm;
  }
}
