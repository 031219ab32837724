/** What a worker decodes: the parts of a tile, and what it decodes them with. */

import type { BundleSessions } from '../hypernet/sessions';
import type { FactorStore } from './factor-store';
import type { StreamKey } from '../random/random';
import type { CoreSizes } from '../plan/core';
import type { Recipe, Stored } from '../plan/recipe';
import type { ScaleStore } from './scale-store';
import type { WorkerScratch } from './worker-scratch';

/** A part of a tile: the rows and columns of one piece that lie within it, and the embedding it is decoded from. */
export interface TilePart {
  readonly recipe: Recipe;
  /** First row and column of the part in the tile. */
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  /** The part's first row, counted within its piece. */
  readonly pieceRow: number;
  /** Rows of the whole piece; its columns are the part's. */
  readonly pieceRows: number;
  /** How the piece lies in the tensor, where that is not as it is decoded. */
  readonly stored?: Stored | undefined;
  /** Of the noise that is added to the piece, the standard deviation that `base` asks for; undefined: none. */
  readonly base?: number | undefined;
  /** Index in the tensor of the part's first element. */
  readonly element: number;
  /** The node's embedding [hid]; empty for a part filled by rule. */
  readonly embedding: Float32Array;
}

/** What decoding needs besides the part itself. */
export interface DecodeContext {
  readonly sessions: BundleSessions;
  /** The factors of the last nodes. */
  readonly factors: FactorStore;
  /** The scales of the last blocks, and their deviations where noise is added. */
  readonly scales: ScaleStore;
  readonly rank: number;
  /** What the sizes of cores depend on. */
  readonly sizes: CoreSizes;
  /** Tells the nodes of different requests apart in the cache. */
  readonly requestKey: string;
  readonly stream: StreamKey;
  readonly scratch: WorkerScratch;
}
