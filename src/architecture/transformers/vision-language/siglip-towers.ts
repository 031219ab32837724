/** The towers of transformers' SigLIP. Source: `modeling_siglip.py` of transformers 5.23. */

import type { ConfigReader } from '../config-reader';
import type { GraphBuilder } from '../graph-builder';
import {
  feedForward,
  readImageTower,
  readTextTower,
  textEmbeddings,
  towerLayers,
  type ImageTowerSizes,
  type TextSizes,
} from './tower';

export interface SiglipText extends TextSizes {
  readonly projection: number;
}

export interface SiglipVision extends ImageTowerSizes {
  /** Whether a layer of attention pools the patches. */
  readonly pools: boolean;
}

export function readSiglipText(reader: ConfigReader): SiglipText {
  const sizes = readTextTower(reader);
  return { ...sizes, projection: reader.optionalSize('projection_size') ?? sizes.width };
}

export function readSiglipVision(reader: ConfigReader): SiglipVision {
  const sizes = readImageTower(reader);
  if (sizes.patch > sizes.image) {
    reader.violation('patch_size', `${sizes.patch} is larger than image_size ${sizes.image}`);
  }
  return { ...sizes, pools: reader.boolean('vision_use_head') };
}

const NORMS_FIRST = { normsLast: false };

/** `isLast`: nothing of the network reads the projection. */
export function siglipText(
  graph: GraphBuilder,
  prefix: string,
  sizes: SiglipText,
  layers: number,
  source: number,
  isLast: boolean,
): number {
  const embedded = textEmbeddings(graph, `${prefix}embeddings`, sizes, source);
  const last = towerLayers(graph, `${prefix}encoder`, sizes, layers, embedded, NORMS_FIRST);
  const norm = graph.layerNorm(`${prefix}final_layer_norm`, sizes.width, [last]);
  return graph.linear(`${prefix}head`, sizes.projection, sizes.width, [norm], { classifier: isLast });
}

/** Returns the pooled state, or the patches where nothing reads it; the layers that pool are then left to rules. */
export function siglipVision(
  graph: GraphBuilder,
  prefix: string,
  sizes: SiglipVision,
  layers: number,
  source: number,
  readsPooled: boolean,
): number {
  const { width, image, patch, channels } = sizes;
  const own = `${prefix}embeddings`;
  const patches = graph.convolution(`${own}.patch_embedding`, [width, channels, patch, patch], [source]);
  const positions = Math.floor(image / patch) ** 2;
  const position = graph.embedding(`${own}.position_embedding.weight`, positions, width, source);
  const embedded = graph.node(`${own}.sum`, 'sum', [], [patches, position]);
  const last = towerLayers(graph, `${prefix}encoder`, sizes, layers, embedded, NORMS_FIRST);
  const normed = graph.layerNorm(`${prefix}post_layernorm`, width, [last]);
  if (!sizes.pools) return normed;
  const pooling = readsPooled ? poolingHead : fillPoolingHead;
  return pooling(graph, `${prefix}head`, sizes, normed);
}

/** torch's `xavier_uniform_` for so many inputs and outputs. */
function uniform(inputs: number, outputs: number): { readonly rule: 'uniform'; readonly bound: number } {
  return { rule: 'uniform', bound: Math.sqrt(3) * Math.sqrt(2 / (inputs + outputs)) };
}

/** One learned token that attends to the patches. */
function poolingHead(graph: GraphBuilder, prefix: string, sizes: SiglipVision, patches: number): number {
  const { width, hidden } = sizes;
  const attention = `${prefix}.attention`;
  const probe = graph.node(`${prefix}.probe`, 'pos_enc', [1, 1, width]);
  graph.initialized(`${prefix}.probe`, [1, 1, width], uniform(width, width));
  const [weight, bias] = [`${attention}.in_proj_weight`, `${attention}.in_proj_bias`];
  const projected = (row: number, rows: number, after: number): [node: number, biased: number] => {
    const node = graph.node(`${weight}.${row}`, 'conv', [rows, width], [after]);
    return [node, graph.node(`${bias}.${row}`, 'bias', [rows], [node])];
  };
  const [query, queryBias] = projected(0, width, probe);
  const [keys, keysBias] = projected(width, 2 * width, patches);
  // torch keeps the three projections in one matrix; queries are of another sequence than keys and values.
  const joined = (
    name: string,
    shape: readonly number[],
    nodes: readonly number[],
    role: 'matrix' | 'bias',
  ): void => {
    const blocks = nodes.map((node, slot) => ({
      length: width,
      origin: { kind: 'prediction', node, role, classifier: false, slot } as const,
    }));
    graph.parameter({ name, shape, axis: 0, blocks, tiedTo: undefined });
  };
  joined(weight, [3 * width, width], [query, keys, keys], 'matrix');
  joined(bias, [3 * width], [queryBias, keysBias, keysBias], 'bias');
  const softmax = graph.node(`${attention}.softmax`, 'msa', [], [queryBias, keysBias]);
  const output = graph.linear(`${attention}.out_proj`, width, width, [softmax]);
  const norm = graph.layerNorm(`${prefix}.layernorm`, width, [output]);
  const added = feedForward(graph, `${prefix}.mlp`, width, hidden, norm);
  return graph.node(`${prefix}.sum`, 'sum', [], [output, added]);
}

/** Standard deviation of a normal distribution that is cut off at two, which jax's initialisers make up for. */
const TRUNCATED = 0.879_625_661_034_239_8;

function fillPoolingHead(graph: GraphBuilder, prefix: string, sizes: SiglipVision, patches: number): number {
  const { width, hidden } = sizes;
  const attention = `${prefix}.attention`;
  const small = { rule: 'normal', standardDeviation: 1e-6 } as const;
  graph.initialized(`${prefix}.probe`, [1, 1, width], uniform(width, width));
  graph.initialized(`${attention}.in_proj_weight`, [3 * width, width], uniform(width, 3 * width));
  graph.constant(`${attention}.in_proj_bias`, [3 * width], 0);
  const standardDeviation = Math.sqrt(1 / width) / TRUNCATED;
  graph.initialized(`${attention}.out_proj.weight`, [width, width], {
    rule: 'truncated_normal',
    standardDeviation,
  });
  graph.constant(`${attention}.out_proj.bias`, [width], 0);
  graph.constant(`${prefix}.layernorm.weight`, [width], 1);
  graph.constant(`${prefix}.layernorm.bias`, [width], 0);
  graph.initialized(`${prefix}.mlp.fc1.weight`, [hidden, width], uniform(width, hidden));
  graph.initialized(`${prefix}.mlp.fc1.bias`, [hidden], small);
  graph.initialized(`${prefix}.mlp.fc2.weight`, [width, hidden], uniform(hidden, width));
  graph.initialized(`${prefix}.mlp.fc2.bias`, [width], small);
  return patches;
}
