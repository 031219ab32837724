/** transformers' CLIP: towers for texts and images, each a class of its own too. Source: `modeling_clip.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import { describedFamily } from '../described-family';
import type { GraphBuilder } from '../graph-builder';
import { bareModel, head, type Body, type Head } from '../heads/head';
import { meanClassifier } from '../heads/mean-classifier';
import { projection } from '../heads/projection';
import { clipText, clipVision, readClipVision, type ClipVision } from './clip-towers';
import { readTextTower, towerSizes, type TextSizes } from './tower';

interface ClipConfig {
  readonly vision: ClipVision;
  /** Undefined where the class has none. */
  readonly text: TextSizes | undefined;
  readonly projection: number;
  readonly logitScale: number;
}

export const clip = describedFamily({
  modelType: 'clip',
  heads: [
    bareModel('CLIPModel'),
    head('CLIPForImageClassification', '', [meanClassifier('classifier')], { encoderOnly: true }),
  ],
  read: readConfig,
  repeats: ({ vision, text }) => [vision.layers, ...(text ? [text.layers] : [])],
  body,
  sizes: ({ vision, text, projection: size }) => ({
    ...towerSizes(vision, 'vision_config.'),
    ...(text && { ...towerSizes(text, 'text_config.'), projection_dim: size }),
  }),
});

export const clipTextModel = describedFamily({
  modelType: 'clip_text_model',
  heads: [
    bareModel('CLIPTextModel'),
    head('CLIPTextModelWithProjection', 'text_model.', [projection('text_projection')]),
  ],
  read: readTextTower,
  repeats: ({ layers }) => [layers],
  body(graph, config, { prefix }, [layers = 0]): Body {
    const last = clipText(graph, prefix, config, layers, graph.node('input', 'input'));
    return { last, pooled: last, width: config.width };
  },
  sizes: (config) => towerSizes(config),
});

export const clipVisionModel = describedFamily({
  modelType: 'clip_vision_model',
  heads: [
    bareModel('CLIPVisionModel', { pools: true }),
    head('CLIPVisionModelWithProjection', 'vision_model.', [projection('visual_projection')]),
  ],
  read: readClipVision,
  repeats: ({ layers }) => [layers],
  body(graph, config, { prefix }, [layers = 0]): Body {
    const { width } = config;
    return { ...clipVision(graph, prefix, config, layers, graph.node('input', 'input'), true), width };
  },
  sizes: (config) => towerSizes(config),
});

function readConfig(reader: ConfigReader, { encoderOnly }: Head): ClipConfig {
  const text = readTextTower(part(reader, 'text_config', 'clip_text_model'));
  return {
    vision: readClipVision(part(reader, 'vision_config', 'clip_vision_model')),
    text: encoderOnly ? undefined : text,
    projection: encoderOnly ? 1 : reader.size('projection_dim'),
    logitScale: encoderOnly ? 0 : reader.number('logit_scale_init_value'),
  };
}

/** Old files have each configuration twice; the one called so has the last word in all of its fields. */
function part(reader: ConfigReader, name: string, modelType: string): ConfigReader {
  const old = `${name}_dict`;
  return reader.part((reader.raw(old) ?? null) === null ? name : old, modelType);
}

function body(
  graph: GraphBuilder,
  config: ClipConfig,
  { encoderOnly }: Head,
  [visionLayers = 0, textLayers = 0]: readonly number[],
): Body {
  const { vision, text, projection: size } = config;
  const source = graph.node('input', 'input');
  if (encoderOnly || text === undefined) {
    const { last } = clipVision(graph, 'vision_model.', vision, visionLayers, source, false);
    return { last, width: vision.width };
  }
  graph.constant('logit_scale', [], Math.fround(config.logitScale));
  const place = graph.keepPlace();
  const project = (name: string, width: number, after: number): number =>
    graph.linear(name, size, width, [after], { bias: false, classifier: true });
  const image = clipVision(graph, 'vision_model.', vision, visionLayers, source, true);
  const last = project('visual_projection', vision.width, image.pooled ?? image.last);
  const read = graph.at(place, () => clipText(graph, 'text_model.', text, textLayers, source));
  project('text_projection', text.width, read);
  return { last, width: size };
}
