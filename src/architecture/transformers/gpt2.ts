/**
 * transformers' `GPT2LMHeadModel`. Source: `modeling_gpt2.py` and `configuration_gpt2.py` of transformers 5.23; nodes
 * and edges as the LoGAH authors' tracer has them, see `docs/decisions/010-gpt2-graph.md`.
 */

import type { ArchitectureGraph, Block } from '../../graph/graph';
import type { ConfigReader } from './config-reader';
import { NO_CROSS_ATTENTION, type TransformersFamily } from './family';
import { GraphBuilder } from './graph-builder';

interface Gpt2Config {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly tied: boolean;
}

export const gpt2: TransformersFamily = {
  modelType: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  restrictions: [NO_CROSS_ATTENTION],
  read(reader) {
    const width = reader.width('n_embd', 768, 'hidden_size');
    const config: Gpt2Config = {
      width,
      layers: reader.size('n_layer', 12, 'num_hidden_layers'),
      heads: reader.width('n_head', 12, 'num_attention_heads'),
      hidden: reader.optionalWidth('n_inner') ?? 4 * width,
      vocabulary: reader.size('vocab_size', 50257),
      positions: reader.size('n_positions', 1024, 'max_position_embeddings'),
      tied: reader.boolean('tie_word_embeddings', true),
    };
    if (reader.violations.none) checkHeads(config, reader);
    return { layers: config.layers, build: (layers) => build({ ...config, layers }) };
  },
};

function checkHeads({ width, heads }: Gpt2Config, reader: ConfigReader): void {
  if (width % heads === 0) return;
  const [widthName, headsName] = [
    reader.raw('n_embd') === undefined ? 'hidden_size' : 'n_embd',
    reader.raw('n_head') === undefined ? 'num_attention_heads' : 'n_head',
  ];
  reader.violation(widthName, `is ${width}, which ${heads} ${headsName} do not divide`);
}

function build(config: Gpt2Config): ArchitectureGraph {
  const { width, hidden, vocabulary, positions, tied } = config;
  const graph = new GraphBuilder();

  /** transformers' Conv1D: a linear layer whose weight is stored as [in, out]. */
  const conv1d = (prefix: string, inFeatures: number, outFeatures: number, after: number): number => {
    const weight = graph.node(`${prefix}.weight`, 'conv', [inFeatures, outFeatures], [after]);
    const bias = graph.node(`${prefix}.bias`, 'bias', [outFeatures], [weight]);
    graph.predicted(`${prefix}.weight`, [inFeatures, outFeatures], weight, 'matrix', { inputAxis: 0 });
    graph.predicted(`${prefix}.bias`, [outFeatures], bias, 'bias');
    return bias;
  };

  const source = graph.node('input', 'input');
  const token = graph.embedding('transformer.wte.weight', vocabulary, width, source, tied);
  const position = graph.embedding('transformer.wpe.weight', positions, width, source);
  let stream = graph.node('transformer.sum', 'sum', [], [token, position]);

  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `transformer.h.${layer}`;
    const before = graph.layerNorm(`${prefix}.ln_1`, width, [stream]);
    const heads = queryKeyValue(graph, `${prefix}.attn.c_attn`, width, before);
    const attention = graph.node(`${prefix}.attn.softmax`, 'msa', [], [heads]);
    const output = conv1d(`${prefix}.attn.c_proj`, width, width, attention);
    stream = graph.node(`${prefix}.attn.sum`, 'sum', [], [stream, output]);
    const after = graph.layerNorm(`${prefix}.ln_2`, width, [stream]);
    const inner = conv1d(`${prefix}.mlp.c_fc`, width, hidden, after);
    const outer = conv1d(`${prefix}.mlp.c_proj`, hidden, width, inner);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, outer]);
  }
  const final = graph.layerNorm('transformer.ln_f', width, [stream]);

  if (tied) graph.tied('lm_head.weight', [vocabulary, width], 'transformer.wte.weight', final);
  else graph.linear('lm_head', vocabulary, width, [final], { bias: false, classifier: true });
  return graph.build(gpt2.architectures[0], gpt2.modelType, sizes(config), WIDTHS);
}

/** The fused projection: one node for q, k and v, three blocks of its parameter. Returns the bias's node. */
function queryKeyValue(graph: GraphBuilder, prefix: string, width: number, after: number): number {
  const fused = 3 * width;
  const weight = graph.node(`${prefix}.weight`, 'conv', [width, fused], [after]);
  const bias = graph.node(`${prefix}.bias`, 'bias', [fused], [weight]);
  const parts = (node: number, role: 'matrix' | 'bias'): Block[] =>
    [0, 1, 2].map((slot) => ({
      length: width,
      origin: { kind: 'prediction', node, role, classifier: false, slot },
    }));
  const blocks = parts(weight, 'matrix');
  graph.parameter({
    name: `${prefix}.weight`,
    shape: [width, fused],
    axis: 1,
    blocks,
    tiedTo: undefined,
    inputAxis: 0,
  });
  graph.parameter({
    name: `${prefix}.bias`,
    shape: [fused],
    axis: 0,
    blocks: parts(bias, 'bias'),
    tiedTo: undefined,
  });
  return bias;
}

const WIDTHS = ['hidden_size', 'num_attention_heads', 'intermediate_size'];

/** By transformers' canonical names. */
function sizes(config: Gpt2Config): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
  };
}
