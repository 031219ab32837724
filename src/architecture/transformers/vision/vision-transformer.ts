/** Vision transformers in ViT's manner; nodes and edges as the LoGAH authors' tracer has them. */

import type { Filling } from '../../../graph/graph';
import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { TransformersFamily } from '../family';
import type { GraphBuilder } from '../graph-builder';
import { classifier } from '../heads/classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { pixels } from '../heads/pixels';
import { checkPatches, patchEmbeddings, readImage, type ImageSizes, type Token } from './patch-embeddings';

/** What tells one family of vision transformers from another. */
export interface VisionVariant {
  readonly modelType: string;
  /** What the names of classes begin with. */
  readonly name: string;
  /** Classes beside those that all such families have. */
  readonly heads: readonly Head[];
  /** Whether a distillation token follows the class token. */
  readonly distilled: boolean;
  /** What fills these tokens and their positions. */
  readonly filling: (initializerRange: number) => Filling;
}

interface VisionConfig extends ImageSizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly qkvBias: boolean;
  readonly pooled: number;
  readonly initializerRange: number;
}

/** The family of a variant. */
export function visionTransformer(variant: VisionVariant): TransformersFamily {
  const { modelType, name } = variant;
  const prefix = `${modelType}.`;
  return describedFamily({
    modelType,
    heads: [
      head(`${name}ForImageClassification`, prefix, [classifier('classifier', { canBeAbsent: true })]),
      bareModel(`${name}Model`, { pools: true }),
      head(`${name}ForMaskedImageModeling`, prefix, [pixels('decoder.0')], { masks: true }),
      ...variant.heads,
    ],
    read: readConfig,
    repeats: ({ layers }) => [layers],
    body: (graph, config, chosen, [layers = 0]) => body(graph, variant, config, chosen, layers),
    sizes,
    widths: () => ['hidden_size', 'num_attention_heads', 'intermediate_size'],
  });
}

function readConfig(reader: ConfigReader): VisionConfig {
  const width = reader.width('hidden_size', 2);
  const config: VisionConfig = {
    width,
    layers: reader.size('num_hidden_layers'),
    heads: reader.width('num_attention_heads'),
    hidden: reader.width('intermediate_size'),
    ...readImage(reader),
    qkvBias: reader.boolean('qkv_bias'),
    pooled: reader.optionalSize('pooler_output_size', 0) ?? 0,
    initializerRange: reader.initializerRange,
  };
  if (!reader.violations.none) return config;
  if (width % config.heads !== 0) {
    reader.violation('hidden_size', `is ${width}, which ${config.heads} num_attention_heads do not divide`);
  } else {
    const [headSize, size] = [reader.raw('head_dim'), width / config.heads];
    if (headSize !== undefined && headSize !== size) {
      reader.violation('head_dim', `must be hidden_size / num_attention_heads = ${size} or absent`);
    }
  }
  checkPatches(reader, config);
  return config;
}

function body(
  graph: GraphBuilder,
  variant: VisionVariant,
  config: VisionConfig,
  { prefix: base, pools, masks }: Head,
  layers: number,
): Body {
  const { width, hidden } = config;
  let stream = embeddings(graph, variant, config, `${base}embeddings`, masks);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}layers.${layer}`;
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
  const last = graph.layerNorm(`${base}layernorm`, width, [stream]);
  if (!pools) return { last, width };
  const pooledWidth = config.pooled === 0 ? width : config.pooled;
  return { last, width, pooled: graph.linear(`${base}pooler.dense`, pooledWidth, width, [last]) };
}

function embeddings(
  graph: GraphBuilder,
  { distilled, filling: fillingOf }: VisionVariant,
  config: VisionConfig,
  prefix: string,
  masks: boolean,
): number {
  const filling = fillingOf(config.initializerRange);
  const zeros = { rule: 'zeros', standardDeviation: 0 } as const;
  const token = (name: string, own: Filling): Token => ({ name, shape: [1, 1, config.width], filling: own });
  return patchEmbeddings(graph, prefix, {
    ...config,
    before: [token('cls_token', filling), ...(masks ? [token('mask_token', zeros)] : [])],
    behind: distilled ? [token('distillation_token', filling)] : [],
    tokens: distilled ? 2 : 1,
    filling,
  });
}

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
  };
}
