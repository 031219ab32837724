/**
 * Decoders in Llama's manner: RMS norms, rotary embeddings, grouped queries and a gated feed-forward layer. Nodes and
 * edges as the LoGAH authors' tracer has them for Llama, see `docs/decisions/011-llama-graph.md`.
 */

import type { ArchitectureGraph } from '../../graph/graph';
import type { ConfigReader } from './config-reader';
import type { TransformersFamily } from './family';
import { GraphBuilder } from './graph-builder';

/** What tells one family of such decoders from another. */
export interface GatedVariant {
  readonly modelType: string;
  readonly architecture: string;
  /** Where the configuration has no such field. */
  readonly defaults: {
    readonly intermediate_size: number;
    readonly max_position_embeddings: number;
    /** Undefined: as many as attention heads. */
    readonly num_key_value_heads?: number;
    readonly vocab_size: number;
  };
  /** Whether hidden_size must be a multiple of the heads even where head_dim is given. */
  readonly headsDivideWidth: boolean;
  /** Which linear layers have a bias. */
  biases(reader: ConfigReader): GatedBiases;
}

export interface GatedBiases {
  readonly queryKeyValue: boolean;
  readonly output: boolean;
  readonly feedForward: boolean;
}

interface GatedConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tied: boolean;
  readonly biases: GatedBiases;
}

/** The family of a variant. */
export function gatedDecoder(variant: GatedVariant): TransformersFamily {
  return {
    modelType: variant.modelType,
    architectures: [variant.architecture],
    restrictions: [],
    read(reader) {
      const config = readConfig(variant, reader);
      return { layers: config.layers, build: (layers) => build(variant, { ...config, layers }) };
    },
  };
}

function readConfig(variant: GatedVariant, reader: ConfigReader): GatedConfig {
  const { defaults } = variant;
  const width = reader.width('hidden_size', 4096);
  const heads = reader.width('num_attention_heads', 32);
  const config: GatedConfig = {
    width,
    layers: reader.size('num_hidden_layers', 32),
    heads,
    keyValueHeads: reader.optionalWidth('num_key_value_heads', defaults.num_key_value_heads) ?? heads,
    headSize: reader.optionalSize('head_dim') ?? Math.floor(width / heads),
    hidden: reader.width('intermediate_size', defaults.intermediate_size),
    vocabulary: reader.size('vocab_size', defaults.vocab_size),
    positions: reader.size('max_position_embeddings', defaults.max_position_embeddings),
    tied: reader.boolean('tie_word_embeddings', false),
    biases: variant.biases(reader),
  };
  if (reader.violations.none) checkHeads(variant, config, reader);
  return config;
}

function checkHeads(variant: GatedVariant, config: GatedConfig, reader: ConfigReader): void {
  const { width, heads, keyValueHeads, headSize } = config;
  const derived = (reader.raw('head_dim') ?? undefined) === undefined;
  if (width % heads !== 0 && (derived || variant.headsDivideWidth)) {
    reader.violation('hidden_size', `is ${width}, which ${heads} num_attention_heads do not divide`);
  } else if (headSize % 2 !== 0) {
    const [field, came] = derived
      ? ['hidden_size', `is ${width}, which makes heads of size ${headSize}`]
      : ['head_dim', `is ${headSize}`];
    reader.violation(field, `${came}; rotary embeddings need an even one`);
  }
  if (heads % keyValueHeads !== 0) {
    const given = reader.raw('num_key_value_heads') === undefined ? ' (the default)' : '';
    const description = `is ${keyValueHeads}${given}, which does not divide ${heads} num_attention_heads`;
    reader.violation('num_key_value_heads', description);
  }
}

function build(variant: GatedVariant, config: GatedConfig): ArchitectureGraph {
  const { width, hidden, vocabulary, tied, biases } = config;
  const graph = new GraphBuilder();
  const source = graph.node('input', 'input');
  let stream = graph.embedding('model.embed_tokens.weight', vocabulary, width, source, tied);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const before = graph.rmsNormNode(`${prefix}.input_layernorm`, width, [stream]);
    const output = attention(graph, `${prefix}.self_attn`, config, before);
    stream = graph.node(`${prefix}.self_attn.sum`, 'sum', [], [stream, output]);
    const after = graph.rmsNormNode(`${prefix}.post_attention_layernorm`, width, [stream]);
    // Gate and up look alike to the hypernetwork, as query, key and value do.
    const [gate, up] = ['gate', 'up'].map((part, slot) =>
      graph.linear(`${prefix}.mlp.${part}_proj`, hidden, width, [after], { bias: biases.feedForward, slot }),
    ) as [number, number];
    const product = graph.node(`${prefix}.mlp.gate`, 'gate', [], [gate, up]);
    const down = graph.linear(`${prefix}.mlp.down_proj`, width, hidden, [product], {
      bias: biases.feedForward,
    });
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, down]);
    // The module registers its norms last.
    graph.rmsNormParameter(`${prefix}.input_layernorm`, width, before);
    graph.rmsNormParameter(`${prefix}.post_attention_layernorm`, width, after);
  }
  const final = graph.rmsNormNode('model.norm', width, [stream]);
  graph.rmsNormParameter('model.norm', width, final);
  if (tied) graph.tied('lm_head.weight', [vocabulary, width], 'model.embed_tokens.weight', final);
  else graph.linear('lm_head', vocabulary, width, [final], { bias: false, classifier: true });
  return graph.build(variant.architecture, variant.modelType, sizes(config), WIDTHS);
}

/** Returns the node of the output projection. */
function attention(graph: GraphBuilder, prefix: string, config: GatedConfig, after: number): number {
  const { width, headSize, biases } = config;
  const queries = config.heads * headSize;
  const keys = config.keyValueHeads * headSize;
  const project = (part: string, features: number, slot: number): number =>
    graph.linear(`${prefix}.${part}_proj`, features, width, [after], { bias: biases.queryKeyValue, slot });
  const query = project('q', queries, 0);
  const key = project('k', keys, 1);
  const value = project('v', keys, 2);
  const rotated = [
    graph.node(`${prefix}.q_rotary`, 'rot_emb', [], [query]),
    graph.node(`${prefix}.k_rotary`, 'rot_emb', [], [key]),
  ];
  const softmax = graph.node(`${prefix}.softmax`, 'msa', [], [...rotated, value]);
  return graph.linear(`${prefix}.o_proj`, width, queries, [softmax], { bias: biases.output });
}

const WIDTHS = ['hidden_size', 'num_attention_heads', 'num_key_value_heads', 'intermediate_size'];

/** By the configuration's names. */
function sizes(config: GatedConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
