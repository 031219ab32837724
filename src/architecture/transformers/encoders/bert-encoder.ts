/**
 * Encoders in BERT's manner: three embeddings, then layers that normalise after each sum. Nodes and edges as the LoGAH
 * authors' tracer has them.
 */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import { ABSOLUTE_POSITIONS, NO_CROSS_ATTENTION, type TransformersFamily } from '../family';
import type { GraphBuilder, Place } from '../graph-builder';
import type { Body, Head } from '../heads/head';

interface EncoderConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tokenTypes: number;
  /** Of the embeddings; a projection leads to another width. */
  readonly tokenWidth: number;
  readonly projected: boolean;
  readonly tied: boolean;
}

type EmbeddingPart = 'word' | 'position' | 'token_type' | 'norm';

/** What tells one family of such encoders from another. */
export interface EncoderVariant {
  readonly modelType: string;
  readonly heads: readonly [Head, ...Head[]];
  /** In the order in which the module registers them. */
  readonly embeddings: readonly [EmbeddingPart, EmbeddingPart, EmbeddingPart, EmbeddingPart];
  /** Whether positions are counted from the index of padding, which is then a row of their table, too. */
  readonly padsPositions?: boolean;
  /** Whether embeddings have a width of their own, `embedding_size`. */
  readonly ownEmbeddingSize?: boolean;
}

/** The family of a variant. */
export function bertEncoder(variant: EncoderVariant): TransformersFamily {
  return describedFamily({
    modelType: variant.modelType,
    heads: variant.heads,
    restrictions: [NO_CROSS_ATTENTION, ABSOLUTE_POSITIONS],
    read: (reader, head) => readConfig(variant, head, reader),
    repeats: ({ layers }) => [layers],
    body: (graph, config, head, [layers = 0]) => body(graph, variant, config, head, layers),
    sizes,
    widths: () => ['hidden_size', 'num_attention_heads', 'intermediate_size'],
  });
}

function readConfig(variant: EncoderVariant, head: Head, reader: ConfigReader): EncoderConfig {
  const width = reader.width('hidden_size');
  const tokenWidth =
    variant.ownEmbeddingSize === true ? reader.size('embedding_size') : width * reader.copies;
  // Before a projection the tables stay as narrow as they are, however wide the rest becomes.
  const projected = tokenWidth !== width * reader.copies;
  const config: EncoderConfig = {
    width,
    layers: reader.size('num_hidden_layers'),
    heads: reader.width('num_attention_heads'),
    hidden: reader.width('intermediate_size'),
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    tokenTypes: reader.size('type_vocab_size'),
    projected,
    tokenWidth: projected ? tokenWidth : width,
    tied: reader.boolean('tie_word_embeddings') && head.ties,
  };
  reader.checkPadding(config.vocabulary);
  if (variant.padsPositions === true) reader.checkPadding(config.positions);
  checkHeads(reader, width, 'hidden_size', config.heads, 'num_attention_heads');
  return config;
}

function body(
  graph: GraphBuilder,
  variant: EncoderVariant,
  config: EncoderConfig,
  { prefix: base, pools }: Head,
  layers: number,
): Body {
  const { width, hidden, vocabulary, tokenWidth, tied } = config;
  let stream = embeddings(graph, variant, base, config);
  if (config.projected) {
    stream = graph.linear(`${base}embeddings_project`, width, tokenWidth, [stream]);
  }
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}encoder.layer.${layer}`;
    const heads = ['query', 'key', 'value'].map((part, slot) =>
      graph.linear(`${prefix}.attention.self.${part}`, width, width, [stream], { slot }),
    );
    const attention = graph.node(`${prefix}.attention.self.softmax`, 'msa', [], heads);
    const output = graph.linear(`${prefix}.attention.output.dense`, width, width, [attention]);
    const attended = graph.node(`${prefix}.attention.output.sum`, 'sum', [], [stream, output]);
    const middle = graph.layerNorm(`${prefix}.attention.output.LayerNorm`, width, [attended]);
    const inner = graph.linear(`${prefix}.intermediate.dense`, hidden, width, [middle]);
    const outer = graph.linear(`${prefix}.output.dense`, width, hidden, [inner]);
    const sum = graph.node(`${prefix}.output.sum`, 'sum', [], [middle, outer]);
    stream = graph.layerNorm(`${prefix}.output.LayerNorm`, width, [sum]);
  }
  const pooled = pools ? graph.linear(`${base}pooler.dense`, width, width, [stream]) : undefined;
  const name = `${base}embeddings.word_embeddings.weight`;
  const tokens = { name, entries: vocabulary, width: tokenWidth, tied };
  return { last: stream, pooled, width, tokens };
}

/** Tokens, their types and positions; returns the node of their norm. */
function embeddings(
  graph: GraphBuilder,
  { embeddings: order }: EncoderVariant,
  base: string,
  config: EncoderConfig,
): number {
  const { tokenWidth: width } = config;
  const prefix = `${base}embeddings`;
  const places = Object.fromEntries(order.map((part) => [part, graph.keepPlace()])) as Record<
    EmbeddingPart,
    Place
  >;
  const table = (part: EmbeddingPart, entries: number, shared = false): number =>
    graph.at(places[part], () =>
      graph.embedding(`${prefix}.${part}_embeddings.weight`, entries, width, source, shared),
    );

  const source = graph.node('input', 'input');
  const word = table('word', config.vocabulary, config.tied);
  const tokenType = table('token_type', config.tokenTypes);
  const both = graph.node(`${prefix}.token_type_sum`, 'sum', [], [word, tokenType]);
  const position = table('position', config.positions);
  const all = graph.node(`${prefix}.position_sum`, 'sum', [], [both, position]);
  return graph.at(places.norm, () => graph.layerNorm(`${prefix}.LayerNorm`, width, [all]));
}

/** By the configuration's names. */
function sizes(config: EncoderConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
    type_vocab_size: config.tokenTypes,
    ...(config.projected && { embedding_size: config.tokenWidth }),
  };
}
