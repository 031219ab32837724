/** transformers' ConvNeXt. Source: `modeling_convnext.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier } from '../heads/classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { readStages } from './stages';

interface ConvNextConfig {
  readonly channels: number;
  readonly patch: readonly [height: number, width: number];
  readonly depths: readonly number[];
  readonly sizes: readonly number[];
  /** 0 or less: layers are not scaled. */
  readonly layerScale: number;
}

export const convnext = describedFamily({
  modelType: 'convnext',
  heads: [
    head('ConvNextForImageClassification', 'convnext.', [classifier('classifier', { canBeAbsent: true })]),
    bareModel('ConvNextModel'),
  ],
  read: readConfig,
  repeats: ({ depths }) => depths,
  body,
  sizes: ({ channels, patch }) => ({ num_channels: channels, patch_size: Math.max(...patch) }),
});

function readConfig(reader: ConfigReader): ConvNextConfig {
  const config: ConvNextConfig = {
    channels: reader.size('num_channels'),
    patch: reader.heightAndWidth('patch_size'),
    ...readStages(reader, 'hidden_sizes'),
    layerScale: reader.number('layer_scale_init_value'),
  };
  const stages = reader.size('num_stages');
  if (config.depths.length !== stages) {
    reader.violation('num_stages', `is ${stages}; depths has ${config.depths.length} entries`);
  }
  return config;
}

function body(
  graph: GraphBuilder,
  config: ConvNextConfig,
  { prefix: base }: Head,
  repeats: readonly number[],
): Body {
  const { channels, patch } = config;
  const [stem = 0] = config.sizes;
  const source = graph.node('input', 'input');
  const patches = graph.convolution(
    `${base}embeddings.patch_embeddings`,
    [stem, channels, ...patch],
    [source],
  );
  let stream = graph.layerNorm(`${base}embeddings.layernorm`, stem, [patches]);
  let width = stem;
  config.sizes.forEach((size, stage) => {
    const prefix = `${base}encoder.stages.${stage}`;
    if (stage > 0) {
      const norm = graph.layerNorm(`${prefix}.downsampling_layer.0`, width, [stream]);
      stream = graph.convolution(`${prefix}.downsampling_layer.1`, [size, width, 2, 2], [norm]);
    }
    width = size;
    for (let layer = 0; layer < (repeats[stage] ?? 0); layer++) {
      stream = block(graph, `${prefix}.layers.${layer}`, width, config.layerScale, stream);
    }
  });
  const mean = graph.node(`${base}mean`, 'glob_avg', [], [stream]);
  return { last: graph.layerNorm(`${base}layernorm`, width, [mean]), width };
}

function block(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  layerScale: number,
  after: number,
): number {
  if (layerScale > 0) graph.constant(`${prefix}.layer_scale_parameter`, [width], layerScale);
  const spatial = graph.convolution(`${prefix}.dwconv`, [width, 1, 7, 7], [after], { operation: 'sep_conv' });
  const norm = graph.layerNorm(`${prefix}.layernorm`, width, [spatial]);
  const inner = graph.linear(`${prefix}.pwconv1`, 4 * width, width, [norm]);
  const outer = graph.linear(`${prefix}.pwconv2`, width, 4 * width, [inner]);
  return graph.node(`${prefix}.sum`, 'sum', [], [after, outer]);
}
