/** What CLIP's and SigLIP's towers have in common: the sizes of a transformer, and its layers. */

import type { ConfigReader } from '../config-reader';
import { checkHeads } from '../described-family';
import { encoderDecoderAttention } from '../encoder-decoders/attention';
import type { GraphBuilder } from '../graph-builder';

/** Of a tower. */
export interface TowerSizes {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
}

export interface TextSizes extends TowerSizes {
  readonly vocabulary: number;
  readonly positions: number;
}

export interface ImageTowerSizes extends TowerSizes {
  readonly image: number;
  readonly patch: number;
  readonly channels: number;
}

function readTower(reader: ConfigReader): TowerSizes {
  const sizes = {
    width: reader.size('hidden_size'),
    layers: reader.size('num_hidden_layers'),
    heads: reader.size('num_attention_heads'),
    hidden: reader.size('intermediate_size'),
  };
  checkHeads(reader, sizes.width, 'hidden_size', sizes.heads, 'num_attention_heads');
  return sizes;
}

/** Of a tower for texts. */
export function readTextTower(reader: ConfigReader): TextSizes {
  return {
    ...readTower(reader),
    vocabulary: reader.size('vocab_size'),
    positions: reader.size('max_position_embeddings'),
  };
}

/** Of a tower for images, whose sides and patches are each one number. */
export function readImageTower(reader: ConfigReader): ImageTowerSizes {
  return {
    ...readTower(reader),
    image: reader.size('image_size'),
    patch: reader.size('patch_size'),
    channels: reader.size('num_channels'),
  };
}

/** By the configuration's names, those of a part of it behind its own. */
export function towerSizes(sizes: TextSizes | ImageTowerSizes, part = ''): Record<string, number> {
  const own = {
    hidden_size: sizes.width,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    intermediate_size: sizes.hidden,
    ...('vocabulary' in sizes
      ? { vocab_size: sizes.vocabulary, max_position_embeddings: sizes.positions }
      : { image_size: sizes.image, patch_size: sizes.patch, num_channels: sizes.channels }),
  };
  return Object.fromEntries(Object.entries(own).map(([name, size]) => [part + name, size]));
}

/** Tokens and positions, both looked up; returns the node of their sum. */
export function textEmbeddings(
  graph: GraphBuilder,
  prefix: string,
  { vocabulary, positions, width }: TextSizes,
  source: number,
): number {
  const token = graph.embedding(`${prefix}.token_embedding.weight`, vocabulary, width, source);
  const position = graph.embedding(`${prefix}.position_embedding.weight`, positions, width, source);
  return graph.node(`${prefix}.sum`, 'sum', [], [token, position]);
}

/** Adds `count` layers; `normsLast`: the module lists its norms behind what they stand before. Returns the last node. */
export function towerLayers(
  graph: GraphBuilder,
  base: string,
  { width, hidden }: TowerSizes,
  count: number,
  first: number,
  { normsLast }: { normsLast: boolean },
): number {
  const residual = (name: string, norm: string, stream: number, add: (after: number) => number): number => {
    const early = normsLast ? graph.keepPlace() : undefined;
    const before = graph.layerNorm(norm, width, [stream]);
    const output = early === undefined ? add(before) : graph.at(early, () => add(before));
    return graph.node(`${name}.sum`, 'sum', [], [stream, output]);
  };
  let stream = first;
  for (let layer = 0; layer < count; layer++) {
    const prefix = `${base}.layers.${layer}`;
    stream = residual(`${prefix}.self_attn`, `${prefix}.layer_norm1`, stream, (after) =>
      encoderDecoderAttention(graph, `${prefix}.self_attn`, width, after, after),
    );
    stream = residual(`${prefix}.mlp`, `${prefix}.layer_norm2`, stream, (after) =>
      feedForward(graph, `${prefix}.mlp`, width, hidden, after),
    );
  }
  return stream;
}

export function feedForward(
  graph: GraphBuilder,
  prefix: string,
  width: number,
  hidden: number,
  after: number,
): number {
  const inner = graph.linear(`${prefix}.fc1`, hidden, width, [after]);
  return graph.linear(`${prefix}.fc2`, width, hidden, [inner]);
}
