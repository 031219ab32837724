/** The towers of transformers' CLIP. Source: `modeling_clip.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import type { GraphBuilder } from '../graph-builder';
import { readImageTower, textEmbeddings, towerLayers, type ImageTowerSizes, type TextSizes } from './tower';

export interface ClipVision extends ImageTowerSizes {
  /** Of the class token. */
  readonly deviation: number;
}

export function readClipVision(reader: ConfigReader): ClipVision {
  const sizes = readImageTower(reader);
  return { ...sizes, deviation: sizes.width ** -0.5 * reader.standardDeviation('initializer_factor') };
}

const NORMS_LAST = { normsLast: true };

/** Returns the node of the last norm, of which a projection reads the last token. */
export function clipText(
  graph: GraphBuilder,
  prefix: string,
  sizes: TextSizes,
  layers: number,
  source: number,
): number {
  const embedded = textEmbeddings(graph, `${prefix}embeddings`, sizes, source);
  const last = towerLayers(graph, `${prefix}encoder`, sizes, layers, embedded, NORMS_LAST);
  return graph.layerNorm(`${prefix}final_layer_norm`, sizes.width, [last]);
}

/**
 * Returns the last hidden state, and the norm of its class token, which is left to rules where nothing reads it. The class
 * token has no node; its position is looked up like the others.
 */
export function clipVision(
  graph: GraphBuilder,
  prefix: string,
  config: ClipVision,
  layers: number,
  source: number,
  pools: boolean,
): { readonly last: number; readonly pooled: number | undefined } {
  const { width, image, patch, channels, deviation: standardDeviation } = config;
  const own = `${prefix}embeddings`;
  graph.initialized(`${own}.class_embedding`, [width], { rule: 'normal', standardDeviation });
  const shape = [width, channels, patch, patch] as const;
  const patches = graph.convolution(`${own}.patch_embedding`, shape, [source], { bias: false });
  const positions = Math.floor(image / patch) ** 2 + 1;
  const position = graph.embedding(`${own}.position_embedding.weight`, positions, width, source);
  const embedded = graph.node(`${own}.sum`, 'sum', [], [patches, position]);
  // The module's own spelling.
  const before = graph.layerNorm(`${prefix}pre_layrnorm`, width, [embedded]);
  const last = towerLayers(graph, `${prefix}encoder`, config, layers, before, NORMS_LAST);
  const norm = `${prefix}post_layernorm`;
  if (pools) return { last, pooled: graph.layerNorm(norm, width, [last]) };
  graph.constant(`${norm}.weight`, [width], 1);
  graph.constant(`${norm}.bias`, [width], 0);
  return { last, pooled: undefined };
}
