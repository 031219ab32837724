/** Patches of an image, tokens before them, and positions. */

import type { Block, Filling } from '../../../graph/graph';
import type { ConfigReader } from '../config-reader';
import type { GraphBuilder } from '../graph-builder';

export interface ImageSizes {
  readonly image: readonly [height: number, width: number];
  readonly patch: readonly [height: number, width: number];
  readonly channels: number;
}

/** `image_size`, `patch_size` and `num_channels`. */
export function readImage(reader: ConfigReader): ImageSizes {
  return {
    image: reader.heightAndWidth('image_size'),
    patch: reader.heightAndWidth('patch_size'),
    channels: reader.size('num_channels'),
  };
}

/** How many patches lie in a column and a row of the image. */
export function patchGrid({ image, patch }: ImageSizes): [rows: number, columns: number] {
  return [Math.floor(image[0] / patch[0]), Math.floor(image[1] / patch[1])];
}

/** Positions are decoded as a square of patches, of which there must be more than one. */
export function checkPatches(reader: ConfigReader, sizes: ImageSizes): void {
  const [rows, columns] = patchGrid(sizes);
  if (rows === 0 || columns === 0) {
    const [patch, image] = [sizes.patch, sizes.image].map((size) => size.join(' x '));
    reader.violation('patch_size', `${patch ?? ''} is larger than image_size ${image ?? ''}`);
  } else if (rows * columns === 1) {
    reader.violation('patch_size', 'makes a single patch of the image; at least 2 are needed');
  }
}

/** A parameter of one token, and what fills it. */
export interface Token {
  readonly name: string;
  readonly shape: readonly number[];
  readonly filling: Filling;
}

export interface PatchEmbeddings extends ImageSizes {
  readonly width: number;
  /** Parameters that the module lists before the positions, and after them. */
  readonly before: readonly Token[];
  readonly behind: readonly Token[];
  /** How many tokens stand before the patches, and what fills their positions. */
  readonly tokens: number;
  readonly filling: Filling;
}

/** Adds them under the prefix; returns the node of the sum of patches and positions. */
export function patchEmbeddings(graph: GraphBuilder, prefix: string, embeddings: PatchEmbeddings): number {
  const { width, channels, patch } = embeddings;
  const projection = `${prefix}.patch_embeddings.projection`;
  const positions = `${prefix}.position_embeddings`;
  const patchShape = [width, channels, ...patch];
  const [rows, columns] = patchGrid(embeddings);
  const patchCount = rows * columns;
  const side = Math.floor(Math.sqrt(patchCount));

  const source = graph.node('input', 'input');
  const patches = graph.node(`${projection}.weight`, 'conv', patchShape, [source]);
  const patchBias = graph.node(`${projection}.bias`, 'bias', [width], [patches]);
  const position = graph.node(positions, 'pos_enc', [1, width, side, side]);

  // The first tokens and their positions are not predicted: the hypernetwork decodes a square of patches.
  const addToken = ({ name, shape, filling }: Token): void => {
    graph.initialized(`${prefix}.${name}`, shape, filling);
  };
  const tokenPositions: Block = {
    length: embeddings.tokens,
    origin: { kind: 'initialization', ...embeddings.filling },
  };
  const square: Block = {
    length: patchCount,
    origin: { kind: 'prediction', node: position, role: 'matrix', classifier: false, slot: 0 },
  };
  embeddings.before.forEach(addToken);
  graph.parameter({
    name: positions,
    shape: [1, tokenPositions.length + patchCount, width],
    axis: 1,
    blocks: [tokenPositions, square],
    tiedTo: undefined,
  });
  embeddings.behind.forEach(addToken);
  graph.predicted(`${projection}.weight`, patchShape, patches, 'matrix', { inputAxis: 1 });
  graph.predicted(`${projection}.bias`, [width], patchBias, 'bias');
  return graph.node(`${prefix}.sum`, 'sum', [], [patchBias, position]);
}
