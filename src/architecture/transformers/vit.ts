/**
 * transformers' `ViTForImageClassification`. Source: `modeling_vit.py` and `configuration_vit.py` of transformers
 * 5.23; nodes and edges as the LoGAH authors' tracer has them.
 */

import type { ArchitectureGraph, Block } from '../../graph/graph';
import { quoted } from '../../graph/violations';
import type { ConfigReader } from './config-reader';
import type { TransformersFamily } from './family';
import { GraphBuilder, type PredictedOptions } from './graph-builder';

interface VitConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly image: readonly [height: number, width: number];
  readonly patch: readonly [height: number, width: number];
  readonly channels: number;
  readonly labels: number;
  readonly qkvBias: boolean;
  readonly initializerRange: number;
}

export const vit: TransformersFamily = {
  modelType: 'vit',
  architecture: 'ViTForImageClassification',
  read(reader) {
    const config: VitConfig = {
      width: reader.size('hidden_size', 768, undefined, 2),
      layers: reader.size('num_hidden_layers', 12),
      heads: reader.size('num_attention_heads', 12),
      hidden: reader.size('intermediate_size', 3072),
      image: reader.heightAndWidth('image_size', 224),
      patch: reader.heightAndWidth('patch_size', 16),
      channels: reader.size('num_channels', 3),
      labels: labelCount(reader),
      qkvBias: reader.boolean('qkv_bias', true),
      initializerRange: reader.standardDeviation('initializer_range', 0.02),
    };
    if (reader.violations.none) checkTogether(config, reader);
    return { layers: config.layers, build: (layers) => build({ ...config, layers }) };
  },
};

/** The number of classes: of `id2label`, or `num_labels`, or 2. */
function labelCount(reader: ConfigReader): number {
  const count = reader.size('num_labels', 2);
  const names = reader.raw('id2label');
  if (names === undefined || names === null) return count;
  if (typeof names !== 'object' || Array.isArray(names) || Object.keys(names).length === 0) {
    reader.violation('id2label', 'must be an object with an entry for each class');
    return count;
  }
  const indices = Object.keys(names);
  const wrong = indices.find((index) => !/^\d+$/.test(index));
  if (wrong !== undefined) reader.violation('id2label', `has a key that is not an integer: ${quoted(wrong)}`);
  const given = new Set(indices.map(Number)).size;
  if (reader.raw('num_labels') !== undefined && count !== given) {
    reader.violation('num_labels', `is ${count}, but id2label has ${given} entries`);
  }
  return given;
}

function checkTogether({ width, heads, image, patch }: VitConfig, reader: ConfigReader): void {
  if (width % heads !== 0) {
    reader.violation('hidden_size', `is ${width}, which ${heads} num_attention_heads do not divide`);
  } else {
    const headSize = reader.raw('head_dim');
    if (headSize !== undefined && headSize !== width / heads) {
      reader.violation('head_dim', `must be hidden_size / num_attention_heads = ${width / heads} or absent`);
    }
  }
  const [rows, columns] = patchGrid(image, patch);
  if (rows === 0 || columns === 0) {
    reader.violation('patch_size', `${patch.join(' x ')} is larger than image_size ${image.join(' x ')}`);
  } else if (rows * columns === 1) {
    reader.violation('patch_size', 'makes a single patch of the image; at least 2 are needed');
  }
}

function patchGrid(image: VitConfig['image'], patch: VitConfig['patch']): [rows: number, columns: number] {
  return [Math.floor(image[0] / patch[0]), Math.floor(image[1] / patch[1])];
}

function build(config: VitConfig): ArchitectureGraph {
  const { width, hidden } = config;
  const graph = new GraphBuilder();

  const linear = (
    prefix: string,
    outFeatures: number,
    inFeatures: number,
    after: readonly number[],
    { bias = true, ...options }: PredictedOptions & { readonly bias?: boolean } = {},
  ): number => {
    const weight = graph.node(`${prefix}.weight`, 'conv', [outFeatures, inFeatures], after);
    graph.predicted(`${prefix}.weight`, [outFeatures, inFeatures], weight, 'matrix', options);
    if (!bias) return weight;
    const last = graph.node(`${prefix}.bias`, 'bias', [outFeatures], [weight]);
    graph.predicted(`${prefix}.bias`, [outFeatures], last, 'bias', options);
    return last;
  };

  let stream = embeddings(graph, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `vit.layers.${layer}`;
    const before = graph.layerNormNode(`${prefix}.layernorm_before`, width, [stream]);
    const heads = ['q', 'k', 'v'].map((part, slot) =>
      linear(`${prefix}.attention.${part}_proj`, width, width, [before], { bias: config.qkvBias, slot }),
    );
    const attention = graph.node(`${prefix}.attention.softmax`, 'msa', [], heads);
    const output = linear(`${prefix}.attention.o_proj`, width, width, [attention]);
    stream = graph.node(`${prefix}.attention.sum`, 'sum', [], [stream, output]);
    // The module registers its attention before its norms.
    graph.layerNormParameters(`${prefix}.layernorm_before`, width, before);
    const after = graph.layerNorm(`${prefix}.layernorm_after`, width, [stream]);
    const inner = linear(`${prefix}.mlp.fc1`, hidden, width, [after]);
    const outer = linear(`${prefix}.mlp.fc2`, width, hidden, [inner]);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, outer]);
  }
  const final = graph.layerNorm('vit.layernorm', width, [stream]);
  linear('classifier', config.labels, width, [final], { classifier: true });
  return graph.build(vit.architecture, vit.modelType, sizes(config));
}

/** Patches, class token and positions; returns the node of their sum. */
function embeddings(graph: GraphBuilder, config: VitConfig): number {
  const { width } = config;
  const prefix = 'vit.embeddings';
  const projection = `${prefix}.patch_embeddings.projection`;
  const positions = `${prefix}.position_embeddings`;
  const patchShape = [width, config.channels, ...config.patch];
  const [rows, columns] = patchGrid(config.image, config.patch);
  const tokens = rows * columns;
  const side = Math.floor(Math.sqrt(tokens));

  const source = graph.node('input', 'input');
  const patches = graph.node(`${projection}.weight`, 'conv', patchShape, [source]);
  const patchBias = graph.node(`${projection}.bias`, 'bias', [width], [patches]);
  const position = graph.node(positions, 'pos_enc', [1, width, side, side]);

  // The class token and its position are not predicted: the hypernetwork decodes a square of patches.
  const noise: Block = {
    length: 1,
    origin: { kind: 'initialization', rule: 'truncated_normal', standardDeviation: config.initializerRange },
  };
  const square: Block = {
    length: tokens,
    origin: { kind: 'prediction', node: position, role: 'matrix', classifier: false, slot: 0 },
  };
  const whole = { blocks: [noise], axis: 0, tiedTo: undefined };
  graph.parameter({ name: `${prefix}.cls_token`, shape: [1, 1, width], ...whole });
  graph.parameter({
    ...whole,
    name: positions,
    shape: [1, tokens + 1, width],
    blocks: [noise, square],
    axis: 1,
  });
  graph.predicted(`${projection}.weight`, patchShape, patches, 'matrix');
  graph.predicted(`${projection}.bias`, [width], patchBias, 'bias');
  return graph.node(`${prefix}.sum`, 'sum', [], [patchBias, position]);
}

/** By the configuration's names; a size of two numbers counts by its larger. */
function sizes(config: VitConfig): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.hidden,
    image_size: Math.max(...config.image),
    patch_size: Math.max(...config.patch),
    num_channels: config.channels,
    num_labels: config.labels,
  };
}
