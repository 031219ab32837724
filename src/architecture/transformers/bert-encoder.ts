/**
 * Encoders in BERT's manner: three embeddings, then layers that normalise after each sum. Nodes and edges as the LoGAH
 * authors' tracer has them.
 */

import type { ArchitectureGraph } from '../../graph/graph';
import type { ConfigReader } from './config-reader';
import { ABSOLUTE_POSITIONS, NO_CROSS_ATTENTION, type TransformersFamily } from './family';
import { GraphBuilder, type Place } from './graph-builder';
import { labelCount } from './label-count';

export interface EncoderConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tokenTypes: number;
  /** Whether the head shares the table of tokens. */
  readonly tied: boolean;
  /** 0 where the class has no classifier. */
  readonly labels: number;
}

/** What a class of the family has on top of the encoder. */
export interface EncoderHead {
  readonly architecture: string;
  readonly classifies: boolean;
  /** Adds what reads the encoder's last node, and its parameters. */
  add(graph: GraphBuilder, config: EncoderConfig, last: number): void;
}

type EmbeddingPart = 'word' | 'position' | 'token_type' | 'norm';

/** What tells one family of such encoders from another. */
export interface EncoderVariant {
  readonly modelType: string;
  readonly heads: readonly [EncoderHead, ...EncoderHead[]];
  /** The default of `vocab_size`. */
  readonly vocabulary: number;
  /** In the order in which the module registers them. */
  readonly embeddings: readonly [EmbeddingPart, EmbeddingPart, EmbeddingPart, EmbeddingPart];
}

/** The family of a variant. */
export function bertEncoder(variant: EncoderVariant): TransformersFamily {
  const [first, ...others] = variant.heads;
  return {
    modelType: variant.modelType,
    architectures: [first.architecture, ...others.map((head) => head.architecture)],
    restrictions: [NO_CROSS_ATTENTION, ABSOLUTE_POSITIONS],
    read(reader, architecture) {
      const head = variant.heads.find((candidate) => candidate.architecture === architecture) ?? first;
      const config = readConfig(variant, head, reader);
      return { layers: config.layers, build: (layers) => build(variant, head, { ...config, layers }) };
    },
  };
}

function readConfig(variant: EncoderVariant, head: EncoderHead, reader: ConfigReader): EncoderConfig {
  const config: EncoderConfig = {
    width: reader.width('hidden_size', 768),
    layers: reader.size('num_hidden_layers', 12),
    heads: reader.width('num_attention_heads', 12),
    hidden: reader.width('intermediate_size', 3072),
    vocabulary: reader.size('vocab_size', variant.vocabulary),
    positions: reader.size('max_position_embeddings', 512),
    tokenTypes: reader.size('type_vocab_size', 2),
    tied: reader.boolean('tie_word_embeddings', true) && !head.classifies,
    labels: head.classifies ? labelCount(reader) : 0,
  };
  if (config.width % config.heads !== 0) {
    reader.violation(
      'hidden_size',
      `is ${config.width}, which ${config.heads} num_attention_heads do not divide`,
    );
  }
  return config;
}

function build(variant: EncoderVariant, head: EncoderHead, config: EncoderConfig): ArchitectureGraph {
  const { width, hidden } = config;
  const graph = new GraphBuilder();
  let stream = embeddings(graph, variant, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${variant.modelType}.encoder.layer.${layer}`;
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
  head.add(graph, config, stream);
  return graph.build(head.architecture, variant.modelType, sizes(config), WIDTHS);
}

/** Tokens, their types and positions; returns the node of their norm. */
function embeddings(
  graph: GraphBuilder,
  { modelType, embeddings: order }: EncoderVariant,
  config: EncoderConfig,
): number {
  const { width } = config;
  const prefix = `${modelType}.embeddings`;
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

const WIDTHS = ['hidden_size', 'num_attention_heads', 'intermediate_size'];

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
    ...(config.labels > 0 && { num_labels: config.labels }),
  };
}
