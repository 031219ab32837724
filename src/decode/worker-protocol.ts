/** What the main thread and the decode workers say to each other. */

import type { ArchitectureGraph } from '../graph/graph';
import type { Bundle } from '../hypernet/bundle';
import type { Placement } from '../hypernet/sessions';
import type { LowRankPiece, SpectrumValues } from './inspection/spectrum';
import type { Tally, TallyRequest } from './inspection/tally';
import type { TilePart } from './tile-part';
import type { ElementType } from '../element-type';
import type { Wanted } from '../plan/runs';
import type { Noise } from './lift';
import type { StreamKey } from '../random/random';
import type { FillRecipe, MatrixRecipe, ScaledRecipe } from '../plan/recipe';

/** Given to a worker when it starts. */
export interface WorkerSetup {
  readonly bundles: readonly Bundle[];
  readonly placement: Placement;
}

/** Measure and encode a graph; answered with the node embeddings. */
export interface EncodeJob {
  readonly kind: 'encode';
  /** Fingerprint of the model. */
  readonly model: string;
  readonly graph: ArchitectureGraph | PackedGraph;
}

/** A graph as it passes through a thread that has no use for it: serialised and compressed (`packGraph`). */
export type PackedGraph = Uint8Array;

/** Fill a buffer; answered when it is filled, with the CRC-32 of what each item wrote. */
export interface FillJob {
  readonly kind: 'fill';
  /** Fingerprint of the model. */
  readonly model: string;
  readonly requestKey: string;
  readonly items: readonly FillItem[];
  /** Room for all items; shared, and the worker's alone until it answers. */
  readonly buffer: SharedArrayBuffer;
}

/** What fills a part of the buffer, from byte `at` on. */
export type FillItem = { readonly at: number } & (TileItem | FactorsItem | CoreItem);

/** A tile, or what is wanted of it, in elements of `elementType`. */
export interface TileItem {
  readonly kind: 'tile';
  readonly stream: StreamKey;
  readonly elementType: ElementType;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly TilePart[];
  /** What of the tile is wanted. */
  readonly wanted: Wanted;
  /** What is added to what is predicted; undefined: nothing. */
  readonly noise?: Noise | undefined;
}

/** The factors of one or more blocks, A and B of each, one after the other, in float32. */
export interface FactorsItem {
  readonly kind: 'factors';
  readonly blocks: readonly FactorsBlock[];
}

/** The factors of one node's block: the rows of A times the scale, then those of B; for a transpose the other way round. */
export interface FactorsBlock {
  readonly embedding: Float32Array;
  readonly recipe: MatrixRecipe;
  readonly transposed: boolean;
}

/** What the blocks of a tensor are computed from, one after the other. */
export interface CoreItem {
  readonly kind: 'core';
  readonly stream: StreamKey;
  /** Of the elements of blocks that have no smaller form. */
  readonly elementType: ElementType;
  /** Columns of the tensor. */
  readonly columns: number;
  readonly blocks: readonly CoreItemBlock[];
}

/**
 * Core rows of a node, enough for `m` rows of A and `n` of B, behind the scale and the noise's deviation if there are any;
 * a value; the key of the stream; elements.
 */
export type CoreItemBlock =
  | {
      readonly kind: 'product';
      readonly embedding: Float32Array;
      readonly slot: number;
      readonly m: number;
      readonly n: number;
      readonly scaled: ScaledRecipe | undefined;
      /** What is added to the block `of` the tensor; undefined: nothing. */
      readonly noise: (Noise & { readonly of: TilePart & { readonly recipe: ScaledRecipe } }) | undefined;
    }
  | { readonly kind: 'rule' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'elements'; readonly part: TilePart & { readonly recipe: FillRecipe } };

/** Decode what is wanted of a tile and count its elements; answered with their tally. */
export interface TallyJob {
  readonly kind: 'tally';
  readonly model: string;
  readonly requestKey: string;
  readonly tile: TileItem;
  /** Index of the first element wanted in the box that is looked at. */
  readonly first: number;
  readonly request: TallyRequest;
}

/** Singular values of a tensor [rows, columns]; answered with them. */
export interface SpectrumJob {
  readonly kind: 'spectrum';
  readonly model: string;
  readonly pieces: readonly (LowRankPiece & { readonly embedding: Float32Array })[];
  readonly rows: number;
  readonly columns: number;
}

export type Job = EncodeJob | FillJob | TallyJob | SpectrumJob;

/** What the main thread says: do a job, or end after those said before. */
export type PoolMessage =
  { readonly kind: 'job'; readonly id: number; readonly job: Job } | { readonly kind: 'close' };

/** What a worker says. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'embeddings'; readonly id: number; readonly embeddings: Float32Array }
  /** The CRC-32 of each item's bytes. */
  | { readonly kind: 'filled'; readonly id: number; readonly crc32: readonly number[] }
  | { readonly kind: 'tallied'; readonly id: number; readonly tally: Tally }
  | { readonly kind: 'spectrum'; readonly id: number; readonly spectrum: SpectrumValues }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
