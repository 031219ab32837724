/** transformers' Swin. Source: `modeling_swin.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier } from '../heads/classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { pixels } from '../heads/pixels';
import { checkPatches, patchGrid, readImage, type ImageSizes } from './patch-embeddings';
import { readStages } from './stages';

interface SwinConfig extends ImageSizes {
  readonly width: number;
  readonly depths: readonly number[];
  /** Heads of each stage. */
  readonly sizes: readonly number[];
  readonly window: number;
  readonly ratio: number;
  readonly qkvBias: boolean;
  /** Whether a table of positions is added to the patches. */
  readonly absolute: boolean;
}

export const swin = describedFamily({
  modelType: 'swin',
  heads: [
    head('SwinForImageClassification', 'swin.', [classifier('classifier', { canBeAbsent: true })]),
    bareModel('SwinModel'),
    head('SwinForMaskedImageModeling', 'swin.', [pixels('decoder.0')], { masks: true }),
  ],
  read: readConfig,
  repeats: ({ depths }) => depths,
  body,
  sizes: ({ width, window, channels }) => ({ embed_dim: width, window_size: window, num_channels: channels }),
});

function readConfig(reader: ConfigReader): SwinConfig {
  const config: SwinConfig = {
    width: reader.size('embed_dim'),
    ...readStages(reader, 'num_heads'),
    window: reader.size('window_size'),
    ratio: reader.number('mlp_ratio'),
    qkvBias: reader.boolean('qkv_bias'),
    absolute: reader.boolean('use_absolute_embeddings'),
    ...readImage(reader),
  };
  if (config.absolute) checkPatches(reader, config);
  config.sizes.forEach((heads, stage) => {
    const width = config.width * 2 ** stage;
    if (width % heads !== 0) {
      reader.violation(
        'num_heads',
        `has ${heads} for stage ${stage}, which do not divide its width ${width}`,
      );
    }
  });
  return config;
}

function body(
  graph: GraphBuilder,
  config: SwinConfig,
  { prefix: base, masks }: Head,
  repeats: readonly number[],
): Body {
  let stream = embeddings(graph, `${base}embeddings`, config, masks);
  let { width } = config;
  config.sizes.forEach((heads, stage) => {
    const prefix = `${base}encoder.layers.${stage}`;
    for (let layer = 0; layer < (repeats[stage] ?? 0); layer++) {
      stream = block(graph, `${prefix}.blocks.${layer}`, config, width, heads, stream);
    }
    if (stage === config.sizes.length - 1) return;
    // Four patches become one of twice the width.
    const reduction = graph.keepPlace();
    const norm = graph.layerNorm(`${prefix}.downsample.norm`, 4 * width, [stream]);
    const [outputs, inputs] = [2 * width, 4 * width];
    stream = graph.at(reduction, () =>
      graph.linear(`${prefix}.downsample.reduction`, outputs, inputs, [norm], { bias: false }),
    );
    width = outputs;
  });
  const norm = graph.layerNorm(`${base}layernorm`, width, [stream]);
  if (masks) return { last: norm, width };
  return { last: graph.node(`${base}pooler`, 'glob_avg', [], [norm]), width };
}

/** Patches, their norm and their positions; returns the last node. */
function embeddings(graph: GraphBuilder, prefix: string, config: SwinConfig, masks: boolean): number {
  const { width, channels, patch } = config;
  const source = graph.node('input', 'input');
  if (masks) graph.constant(`${prefix}.mask_token`, [1, 1, width], 0);
  // The module lists positions first, which are added to what the norm makes.
  const positionPlace = graph.keepPlace();
  const projection = `${prefix}.patch_embeddings.projection`;
  const patches = graph.convolution(projection, [width, channels, ...patch], [source]);
  const norm = graph.layerNorm(`${prefix}.norm`, width, [patches]);
  if (!config.absolute) return norm;
  const name = `${prefix}.position_embeddings`;
  const [rows, columns] = patchGrid(config);
  const side = Math.floor(Math.sqrt(rows * columns));
  const position = graph.node(name, 'pos_enc', [1, width, side, side]);
  graph.at(positionPlace, () => {
    graph.predicted(name, [1, rows * columns, width], position, 'matrix');
  });
  return graph.node(`${prefix}.sum`, 'sum', [], [norm, position]);
}

function block(
  graph: GraphBuilder,
  prefix: string,
  { qkvBias, window, ratio }: SwinConfig,
  width: number,
  headCount: number,
  stream: number,
): number {
  const hidden = Math.trunc(width * ratio);
  const before = graph.layerNormNode(`${prefix}.layernorm_before`, width, [stream]);
  const heads = ['q', 'k', 'v'].map((part, slot) =>
    graph.linear(`${prefix}.attention.${part}_proj`, width, width, [before], { bias: qkvBias, slot }),
  );
  const attention = graph.node(`${prefix}.attention.softmax`, 'msa', [], heads);
  const output = graph.linear(`${prefix}.attention.o_proj`, width, width, [attention]);
  const table = `${prefix}.attention.relative_position_bias.relative_position_bias_table`;
  graph.constant(table, [(2 * window - 1) ** 2, headCount], 0);
  const attended = graph.node(`${prefix}.attention.sum`, 'sum', [], [stream, output]);
  graph.layerNormParameters(`${prefix}.layernorm_before`, width, before);
  const after = graph.layerNorm(`${prefix}.layernorm_after`, width, [attended]);
  const inner = graph.linear(`${prefix}.mlp.fc1`, hidden, width, [after]);
  const outer = graph.linear(`${prefix}.mlp.fc2`, width, hidden, [inner]);
  return graph.node(`${prefix}.mlp.sum`, 'sum', [], [outer, attended]);
}
