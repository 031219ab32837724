/** Vision transformers that classify images; nodes and edges as the LoGAH authors' tracer has them. */

import type { ArchitectureGraph, Block, Filling } from '../../graph/graph';
import type { ConfigReader } from './config-reader';
import type { TransformersFamily } from './family';
import { GraphBuilder } from './graph-builder';
import { labelCount } from './label-count';

/** What tells one family of vision transformers from another. */
export interface VisionVariant {
  readonly modelType: string;
  readonly architecture: string;
  /** Tokens before the patches; the class token is first. */
  readonly tokens: readonly ['cls_token', ...string[]];
  /** What fills these tokens and their positions. */
  filling(initializerRange: number): Filling;
}

interface VisionConfig {
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

/** The family of a variant. */
export function visionTransformer(variant: VisionVariant): TransformersFamily {
  return {
    modelType: variant.modelType,
    architectures: [variant.architecture],
    restrictions: [],
    read(reader) {
      const config: VisionConfig = {
        width: reader.width('hidden_size', 768, undefined, 2),
        layers: reader.size('num_hidden_layers', 12),
        heads: reader.width('num_attention_heads', 12),
        hidden: reader.width('intermediate_size', 3072),
        image: reader.heightAndWidth('image_size', 224),
        patch: reader.heightAndWidth('patch_size', 16),
        channels: reader.size('num_channels', 3),
        labels: labelCount(reader),
        qkvBias: reader.boolean('qkv_bias', true),
        initializerRange: reader.initializerRange,
      };
      if (reader.violations.none) checkTogether(config, reader);
      return { layers: config.layers, build: (layers) => build(variant, { ...config, layers }) };
    },
  };
}

function checkTogether({ width, heads, image, patch }: VisionConfig, reader: ConfigReader): void {
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

function patchGrid(
  image: VisionConfig['image'],
  patch: VisionConfig['patch'],
): [rows: number, columns: number] {
  return [Math.floor(image[0] / patch[0]), Math.floor(image[1] / patch[1])];
}

function build(variant: VisionVariant, config: VisionConfig): ArchitectureGraph {
  const { modelType } = variant;
  const { width, hidden } = config;
  const graph = new GraphBuilder();
  let stream = embeddings(graph, variant, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${modelType}.layers.${layer}`;
    const before = graph.layerNormNode(`${prefix}.layernorm_before`, width, [stream]);
    const heads = ['q', 'k', 'v'].map((part, slot) =>
      graph.linear(`${prefix}.attention.${part}_proj`, width, width, [before], {
        bias: config.qkvBias,
        slot,
      }),
    );
    const attention = graph.node(`${prefix}.attention.softmax`, 'msa', [], heads);
    const output = graph.linear(`${prefix}.attention.o_proj`, width, width, [attention]);
    stream = graph.node(`${prefix}.attention.sum`, 'sum', [], [stream, output]);
    // The module registers its attention before its norms.
    graph.layerNormParameters(`${prefix}.layernorm_before`, width, before);
    const after = graph.layerNorm(`${prefix}.layernorm_after`, width, [stream]);
    const inner = graph.linear(`${prefix}.mlp.fc1`, hidden, width, [after]);
    const outer = graph.linear(`${prefix}.mlp.fc2`, width, hidden, [inner]);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [stream, outer]);
  }
  const final = graph.layerNorm(`${modelType}.layernorm`, width, [stream]);
  graph.linear('classifier', config.labels, width, [final], { classifier: true });
  return graph.build(variant.architecture, modelType, sizes(config), WIDTHS);
}

/** Patches, tokens before them, and positions; returns the node of their sum. */
function embeddings(graph: GraphBuilder, variant: VisionVariant, config: VisionConfig): number {
  const { width } = config;
  const prefix = `${variant.modelType}.embeddings`;
  const projection = `${prefix}.patch_embeddings.projection`;
  const positions = `${prefix}.position_embeddings`;
  const patchShape = [width, config.channels, ...config.patch];
  const [rows, columns] = patchGrid(config.image, config.patch);
  const patchCount = rows * columns;
  const side = Math.floor(Math.sqrt(patchCount));

  const source = graph.node('input', 'input');
  const patches = graph.node(`${projection}.weight`, 'conv', patchShape, [source]);
  const patchBias = graph.node(`${projection}.bias`, 'bias', [width], [patches]);
  const position = graph.node(positions, 'pos_enc', [1, width, side, side]);

  // The first tokens and their positions are not predicted: the hypernetwork decodes a square of patches.
  const filling = variant.filling(config.initializerRange);
  const [classToken, ...otherTokens] = variant.tokens;
  const token = (name: string): void => {
    graph.initialized(`${prefix}.${name}`, [1, 1, width], filling);
  };
  const tokenPositions: Block = {
    length: variant.tokens.length,
    origin: { kind: 'initialization', ...filling },
  };
  const square: Block = {
    length: patchCount,
    origin: { kind: 'prediction', node: position, role: 'matrix', classifier: false, slot: 0 },
  };
  token(classToken);
  graph.parameter({
    name: positions,
    shape: [1, tokenPositions.length + patchCount, width],
    axis: 1,
    blocks: [tokenPositions, square],
    tiedTo: undefined,
  });
  otherTokens.forEach(token);
  graph.predicted(`${projection}.weight`, patchShape, patches, 'matrix', { inputAxis: 1 });
  graph.predicted(`${projection}.bias`, [width], patchBias, 'bias');
  return graph.node(`${prefix}.sum`, 'sum', [], [patchBias, position]);
}

const WIDTHS = ['hidden_size', 'num_attention_heads', 'intermediate_size'];

/** By the configuration's names; a size of two numbers counts by its larger. */
function sizes(config: VisionConfig): Record<string, number> {
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
