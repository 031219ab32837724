/** transformers' DINOv2. Source: `modeling_dinov2.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { checkHeads, describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { tokensAndMean } from '../heads/tokens-and-mean';
import { feedForward } from '../gated-feed-forward';
import { checkPatches, patchEmbeddings, readImage, type ImageSizes } from './patch-embeddings';

interface Dinov2Config extends ImageSizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly gated: boolean;
  readonly qkvBias: boolean;
  readonly layerScale: number;
  readonly maskToken: boolean;
  readonly initializerRange: number;
}

export const dinov2 = describedFamily({
  modelType: 'dinov2',
  heads: [
    bareModel('Dinov2Model'),
    head('Dinov2ForImageClassification', 'dinov2.', [tokensAndMean('classifier')]),
  ],
  read: readConfig,
  repeats: ({ layers }) => [layers],
  body,
  sizes,
});

function readConfig(reader: ConfigReader): Dinov2Config {
  const width = reader.size('hidden_size', 2);
  const full = width * reader.size('mlp_ratio');
  const gated = reader.boolean('use_swiglu_ffn');
  const config: Dinov2Config = {
    width,
    layers: reader.size('num_hidden_layers'),
    heads: reader.size('num_attention_heads'),
    // A gated layer has two thirds of it, rounded up to a multiple of 8.
    hidden: gated ? Math.ceil(Math.trunc((full * 2) / 3) / 8) * 8 : full,
    gated,
    ...readImage(reader),
    qkvBias: reader.boolean('qkv_bias'),
    layerScale: reader.number('layerscale_value'),
    maskToken: reader.boolean('use_mask_token'),
    initializerRange: reader.initializerRange,
  };
  if (!reader.violations.none) return config;
  checkHeads(reader, width, 'hidden_size', config.heads, 'num_attention_heads');
  checkPatches(reader, config);
  return config;
}

function body(
  graph: GraphBuilder,
  config: Dinov2Config,
  { prefix: base }: Head,
  [layers = 0]: readonly number[],
): Body {
  const { width, hidden, gated, qkvBias, initializerRange: standardDeviation } = config;
  const drawn = { rule: 'truncated_normal', standardDeviation } as const;
  const zeros = { rule: 'zeros', standardDeviation: 0 } as const;
  let stream = patchEmbeddings(graph, `${base}embeddings`, {
    ...config,
    before: [
      { name: 'cls_token', shape: [1, 1, width], filling: drawn },
      ...(config.maskToken ? [{ name: 'mask_token', shape: [1, width], filling: zeros }] : []),
    ],
    behind: [],
    tokens: 1,
    filling: drawn,
  });
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `${base}encoder.layer.${layer}`;
    const scale = (index: number): void => {
      graph.constant(`${prefix}.layer_scale${index}.lambda1`, [width], config.layerScale);
    };
    const before = graph.layerNorm(`${prefix}.norm1`, width, [stream]);
    const heads = ['q', 'k', 'v'].map((part, slot) =>
      graph.linear(`${prefix}.attention.${part}_proj`, width, width, [before], { bias: qkvBias, slot }),
    );
    const attention = graph.node(`${prefix}.attention.softmax`, 'msa', [], heads);
    const output = graph.linear(`${prefix}.attention.o_proj`, width, width, [attention]);
    scale(1);
    stream = graph.node(`${prefix}.attention.sum`, 'sum', [], [output, stream]);
    const after = graph.layerNorm(`${prefix}.norm2`, width, [stream]);
    const added = gated
      ? feedForward(graph, `${prefix}.mlp`, width, { kind: 'gated', hidden, bias: true }, after)
      : mlp(graph, `${prefix}.mlp`, width, hidden, after);
    scale(2);
    stream = graph.node(`${prefix}.mlp.sum`, 'sum', [], [added, stream]);
  }
  return { last: graph.layerNorm(`${base}layernorm`, width, [stream]), width };
}

function mlp(graph: GraphBuilder, prefix: string, width: number, hidden: number, after: number): number {
  const inner = graph.linear(`${prefix}.fc1`, hidden, width, [after]);
  return graph.linear(`${prefix}.fc2`, width, hidden, [inner]);
}

/** By the configuration's names; a size of two numbers counts by its larger. */
function sizes(config: Dinov2Config): Record<string, number> {
  return {
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    image_size: Math.max(...config.image),
    patch_size: Math.max(...config.patch),
    num_channels: config.channels,
  };
}
