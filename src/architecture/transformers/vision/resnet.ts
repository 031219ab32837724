/** transformers' ResNet. Source: `modeling_resnet.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { classifier } from '../heads/classifier';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { readStages } from './stages';

interface ResNetConfig {
  readonly channels: number;
  readonly stem: number;
  readonly depths: readonly number[];
  readonly sizes: readonly number[];
  /** Whether a layer has three convolutions, those in the middle of a quarter of the width. */
  readonly bottleneck: boolean;
  readonly downsamplesFirst: boolean;
}

const REDUCTION = 4;

export const resnet = describedFamily({
  modelType: 'resnet',
  heads: [
    head('ResNetForImageClassification', 'resnet.', [classifier('classifier.1', { canBeAbsent: true })]),
    bareModel('ResNetModel'),
  ],
  read: readConfig,
  // The first layer of a stage is always there.
  repeats: ({ depths }) => depths.map((depth) => depth - 1),
  body,
  sizes: ({ channels, stem }) => ({ num_channels: channels, embedding_size: stem }),
});

function readConfig(reader: ConfigReader): ResNetConfig {
  const config: ResNetConfig = {
    channels: reader.size('num_channels'),
    stem: reader.size('embedding_size'),
    ...readStages(reader, 'hidden_sizes'),
    bottleneck: reader.string('layer_type') === 'bottleneck',
    downsamplesFirst: reader.boolean('downsample_in_first_stage'),
  };
  const type = reader.raw('layer_type') ?? 'basic';
  if (type !== 'basic' && type !== 'bottleneck') {
    reader.violation('layer_type', 'must be "basic" or "bottleneck"');
  }
  if (config.bottleneck && config.sizes.some((size) => size < REDUCTION)) {
    reader.violation('hidden_sizes', `must be at least ${REDUCTION} each for layers of type "bottleneck"`);
  }
  return config;
}

function body(
  graph: GraphBuilder,
  config: ResNetConfig,
  { prefix: base }: Head,
  repeats: readonly number[],
): Body {
  const source = graph.node('input', 'input');
  const stem = convolved(graph, `${base}embedder.embedder`, [config.stem, config.channels, 7, 7], source);
  let stream = graph.node(`${base}embedder.pooler`, 'max_pool', [1, 1, 3, 3], [stem]);
  let width = config.stem;
  config.sizes.forEach((size, stage) => {
    const strided = stage > 0 || config.downsamplesFirst;
    for (let layer = 0; layer <= (repeats[stage] ?? 0); layer++) {
      const prefix = `${base}encoder.stages.${stage}.layers.${layer}`;
      const hasShortcut = layer === 0 && (strided || width !== size);
      const shortcutPlace = graph.keepPlace();
      const last = residual(graph, `${prefix}.layer`, width, size, config.bottleneck, stream);
      const before = stream;
      const inputs = width;
      const shortcut = hasShortcut
        ? graph.at(shortcutPlace, () => convolved(graph, `${prefix}.shortcut`, [size, inputs, 1, 1], before))
        : stream;
      stream = graph.node(`${prefix}.sum`, 'sum', [], [last, shortcut]);
      width = size;
    }
  });
  return { last: graph.node(`${base}pooler`, 'glob_avg', [], [stream]), width };
}

function residual(
  graph: GraphBuilder,
  prefix: string,
  inputs: number,
  outputs: number,
  bottleneck: boolean,
  after: number,
): number {
  const narrow = Math.floor(outputs / REDUCTION);
  const shapes: [number, number, number, number][] = bottleneck
    ? [
        [narrow, inputs, 1, 1],
        [narrow, narrow, 3, 3],
        [outputs, narrow, 1, 1],
      ]
    : [
        [outputs, inputs, 3, 3],
        [outputs, outputs, 3, 3],
      ];
  return shapes.reduce((last, shape, index) => convolved(graph, `${prefix}.${index}`, shape, last), after);
}

/** A convolution and its batch norm. */
function convolved(
  graph: GraphBuilder,
  prefix: string,
  shape: readonly [number, number, number, number],
  after: number,
): number {
  const convolution = graph.convolution(`${prefix}.convolution`, shape, [after], { bias: false });
  return graph.batchNorm(`${prefix}.normalization`, shape[0], [convolution]);
}
