/** What the main thread and the decode workers say to each other. */

import type { ArchitectureGraph } from '../graph/graph';
import type { Bundle } from '../hypernet/bundle';
import type { ExecutionProvider } from '../hypernet/sessions';
import type { TilePart } from './tile-part';
import type { ElementType } from '../element-type';
import type { Placement } from './layout';
import type { StreamKey } from './random';

/** Given to a worker when it starts. */
export interface WorkerSetup {
  readonly bundles: readonly Bundle[];
  readonly provider: ExecutionProvider;
}

/** Measure and encode a graph; answered with the node embeddings. */
export interface EncodeJob {
  readonly kind: 'encode';
  readonly model: string;
  readonly graph: ArchitectureGraph;
}

/** Decode a tile into `buffer`; answered when it is filled. */
export interface TileJob {
  readonly kind: 'tile';
  readonly model: string;
  readonly requestKey: string;
  readonly stream: StreamKey;
  readonly elementType: ElementType;
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly TilePart[];
  /** What of the tile is wanted, counted within the tile. */
  readonly wanted: Placement;
  /** Room for the elements wanted, of `elementType`; shared, and the worker's alone until it answers. */
  readonly buffer: SharedArrayBuffer;
}

/** Decode the factors of one or more blocks, one after the other, into `buffer`; answered when it is filled. */
export interface FactorsJob {
  readonly kind: 'factors';
  readonly model: string;
  readonly blocks: readonly FactorsBlock[];
  /** Room for A and B of every block; as above. */
  readonly buffer: SharedArrayBuffer;
}

/** The factors of one node: `m` rows of A times `scale`, `n` rows of B. */
export interface FactorsBlock {
  readonly embedding: Float32Array;
  readonly slot: number;
  readonly m: number;
  readonly n: number;
  readonly scale: number;
}

/** A job that fills a buffer. */
export type BufferJob = FactorsJob | TileJob;

export type Job = EncodeJob | BufferJob;

/** What the main thread says: do a job, or end after those said before. */
export type PoolMessage =
  { readonly kind: 'job'; readonly id: number; readonly job: Job } | { readonly kind: 'close' };

/** What a worker says. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'embeddings'; readonly id: number; readonly embeddings: Float32Array }
  /** `crc32` is that of the bytes wanted. */
  | { readonly kind: 'filled'; readonly id: number; readonly crc32: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
