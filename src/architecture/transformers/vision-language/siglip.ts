/** transformers' SigLIP: towers for texts and images, each a class of its own too. Source: `modeling_siglip.py` of transformers 5.23. */

import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import type { ConfigReader } from '../config-reader';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { meanClassifier } from '../heads/mean-classifier';
import {
  readSiglipText,
  readSiglipVision,
  siglipText,
  siglipVision,
  type SiglipText,
  type SiglipVision,
} from './siglip-towers';
import { towerSizes } from './tower';

interface SiglipConfig {
  readonly vision: SiglipVision;
  /** Undefined where the class has none. */
  readonly text: SiglipText | undefined;
}

export const siglip = describedFamily({
  modelType: 'siglip',
  heads: [
    bareModel('SiglipModel'),
    head('SiglipForImageClassification', '', [meanClassifier('classifier')], { encoderOnly: true }),
  ],
  read: readConfig,
  repeats: ({ vision, text }) => [vision.layers, ...(text ? [text.layers] : [])],
  body,
  sizes: ({ vision, text }) => ({
    ...towerSizes(vision, 'vision_config.'),
    ...(text && towerSizes(text, 'text_config.')),
  }),
});

export const siglipTextModel = describedFamily({
  modelType: 'siglip_text_model',
  heads: [bareModel('SiglipTextModel')],
  read: readSiglipText,
  repeats: ({ layers }) => [layers],
  body(graph, config, _head, [layers = 0]): Body {
    const last = siglipText(graph, '', config, layers, graph.node('input', 'input'), true);
    return { last, width: config.projection };
  },
  sizes: (config) => towerSizes(config),
});

export const siglipVisionModel = describedFamily({
  modelType: 'siglip_vision_model',
  heads: [bareModel('SiglipVisionModel')],
  read: readSiglipVision,
  repeats: ({ layers }) => [layers],
  body(graph, config, _head, [layers = 0]): Body {
    const last = siglipVision(graph, '', config, layers, graph.node('input', 'input'), true);
    return { last, width: config.width };
  },
  sizes: (config) => towerSizes(config),
});

function readConfig(reader: ConfigReader, { encoderOnly }: Head): SiglipConfig {
  const text = readSiglipText(reader.part('text_config', 'siglip_text_model'));
  const vision = readSiglipVision(reader.part('vision_config', 'siglip_vision_model'));
  return { vision, text: encoderOnly ? undefined : text };
}

function body(
  graph: GraphBuilder,
  { vision, text }: SiglipConfig,
  _head: Head,
  [visionLayers = 0, textLayers = 0]: readonly number[],
): Body {
  const source = graph.node('input', 'input');
  if (text !== undefined) {
    graph.constant('logit_scale', [1], 0);
    graph.constant('logit_bias', [1], 0);
    siglipText(graph, 'text_model.', text, textLayers, source, false);
  }
  const last = siglipVision(graph, 'vision_model.', vision, visionLayers, source, text !== undefined);
  return { last, width: vision.width };
}
