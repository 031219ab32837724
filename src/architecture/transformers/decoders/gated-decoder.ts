/**
 * Decoders in Llama's manner: RMS norms, rotary embeddings, grouped queries and a gated feed-forward layer. Nodes and
 * edges as the LoGAH authors' tracer has them for Llama, see `docs/decisions/011-llama-graph.md`.
 */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { TransformersFamily } from '../family';
import type { GraphBuilder } from '../graph-builder';
import type { Body, Head } from '../heads/head';
import { gatedAttention, type AttentionSizes } from './gated-attention';
import { feedForward, type FeedForward } from '../gated-feed-forward';
import { rmsNorm, type NormStyle } from './rms-norm';

/** What tells one family of such decoders from another. */
export interface GatedVariant {
  readonly modelType: string;
  readonly heads: readonly [Head, ...Head[]];
  /** Whether hidden_size must be a multiple of the heads even where head_dim is given. */
  readonly headsDivideWidth?: boolean;
  readonly norms?: NormStyle;
  /** Whether attention and feed-forward layer have a norm behind them, too. */
  readonly normsBehind?: boolean;
  /** Whether heads of queries and keys are normalised. */
  readonly headNorms?: boolean;
  /** Whether one matrix has queries, keys and values, and another gate and up. */
  readonly fused?: boolean;
  /** Whether the network can be made of copies of a narrower one: whether nothing in it depends on the width alone. */
  readonly widens?: boolean;
  /** Which linear layers have a bias. */
  biases?(reader: ConfigReader): GatedBiases;
  /** The kinds of feed-forward layers; undefined: one, gated. */
  experts?(reader: ConfigReader, layers: number): LayerKinds;
}

export interface GatedBiases {
  readonly queryKeyValue: boolean;
  readonly output: boolean;
  readonly feedForward: boolean;
}

/** Feed-forward layers of several kinds. */
export interface LayerKinds {
  readonly kinds: readonly FeedForward[];
  /** The layers of each kind. */
  readonly counts: readonly number[];
  /** The index of a layer's kind. */
  readonly kindOf: (layer: number) => number;
  readonly sizes: Readonly<Record<string, number>>;
}

interface GatedConfig extends AttentionSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tied: boolean;
  readonly biases: GatedBiases;
  readonly layerKinds: LayerKinds;
}

const NO_BIASES: GatedBiases = { queryKeyValue: false, output: false, feedForward: false };

/** The family of a variant. */
export function gatedDecoder(variant: GatedVariant): TransformersFamily {
  const { widens = false } = variant;
  return describedFamily({
    modelType: variant.modelType,
    heads: variant.heads,
    read: (reader, head) => readConfig(variant, head, reader),
    repeats: ({ layerKinds }) => layerKinds.counts,
    body: (graph, config, head, repeats) => body(graph, variant, config, head.prefix, repeats),
    sizes,
    ...(widens && { widths: () => WIDTHS }),
  });
}

function readConfig(variant: GatedVariant, head: Head, reader: ConfigReader): GatedConfig {
  const size = (name: string): number => (variant.widens === true ? reader.width(name) : reader.size(name));
  const optional = (name: string): number | undefined =>
    variant.widens === true ? reader.optionalWidth(name) : reader.optionalSize(name);
  const width = size('hidden_size');
  const heads = size('num_attention_heads');
  const layers = reader.size('num_hidden_layers');
  const hidden = size('intermediate_size');
  const biases = variant.biases?.(reader) ?? NO_BIASES;
  const config: GatedConfig = {
    width,
    layers,
    heads,
    keyValueHeads: optional('num_key_value_heads') ?? heads,
    headSize: reader.optionalSize('head_dim') ?? Math.floor(width / heads),
    hidden,
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
    tied: reader.boolean('tie_word_embeddings') && head.ties,
    biases,
    layerKinds: variant.experts?.(reader, layers) ?? {
      kinds: [{ kind: variant.fused === true ? 'fused' : 'gated', hidden, bias: biases.feedForward }],
      counts: [layers],
      kindOf: () => 0,
      sizes: {},
    },
  };
  reader.checkPadding(config.vocabulary);
  if (reader.violations.none) checkTogether(variant, config, reader);
  return config;
}

function checkTogether(variant: GatedVariant, config: GatedConfig, reader: ConfigReader): void {
  const { width, heads, keyValueHeads, headSize, layers } = config;
  const derived = typeof reader.raw('head_dim') !== 'number' && headSize === Math.floor(width / heads);
  if (width % heads !== 0 && (derived || variant.headsDivideWidth === true)) {
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
  const types = reader.raw('layer_types');
  if (Array.isArray(types) && types.length !== layers) {
    reader.violation('layer_types', `has ${types.length} entries; num_hidden_layers is ${layers}`);
  }
}

function body(
  graph: GraphBuilder,
  variant: GatedVariant,
  config: GatedConfig,
  base: string,
  repeats: readonly number[],
): Body {
  const { width, vocabulary, tied, biases, layerKinds } = config;
  const norm = rmsNorm(graph, variant.norms ?? 'plain', width);
  const name = `${base}embed_tokens.weight`;
  const source = graph.node('input', 'input');
  let stream = graph.embedding(name, vocabulary, width, source, tied);
  kindsOfLayers(layerKinds, repeats).forEach((kind, layer) => {
    const prefix = `${base}layers.${layer}`;
    const before = norm(`${prefix}.input_layernorm`, stream);
    const output = gatedAttention(graph, `${prefix}.self_attn`, config, before.node, {
      bias: biases.queryKeyValue,
      outputBias: biases.output,
      headNorms: variant.headNorms === true ? (variant.norms ?? 'plain') : undefined,
      fused: variant.fused === true,
    });
    // The module registers its norms last.
    const norms = [before];
    const behind = (part: string, after: number): number => {
      if (variant.normsBehind !== true) return after;
      const added = norm(`${prefix}.${part}`, after);
      norms.push(added);
      return added.node;
    };
    const attended = behind('post_attention_layernorm', output);
    stream = graph.node(`${prefix}.self_attn.sum`, 'sum', [], [stream, attended]);
    const middle = norm(
      `${prefix}.${variant.normsBehind === true ? 'pre_feedforward' : 'post_attention'}_layernorm`,
      stream,
    );
    norms.push(middle);
    const down = feedForward(graph, `${prefix}.mlp`, width, kind, middle.node);
    const added = behind('post_feedforward_layernorm', down);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, added]);
    for (const { register } of norms) register();
  });
  const final = norm(`${base}norm`, stream);
  final.register();
  return { last: final.node, width, tokens: { name, entries: vocabulary, width, tied } };
}

/** In the configuration's order where all layers are asked for; else one kind after the other. */
function kindsOfLayers({ kinds, counts, kindOf }: LayerKinds, repeats: readonly number[]): FeedForward[] {
  const all = counts.every((count, kind) => count === repeats[kind]);
  const order = all
    ? Array.from({ length: counts.reduce((sum, count) => sum + count, 0) }, (_, layer) => kindOf(layer))
    : repeats.flatMap((count, kind) => new Array<number>(count).fill(kind));
  return order.flatMap((kind) => kinds[kind] ?? []);
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
    ...config.layerKinds.sizes,
  };
}
