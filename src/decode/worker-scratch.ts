/** Memory that a worker uses again for every tile: what is not garbage need not wait for its collection. */

import { Scratch } from '../scratch';

/** A worker's scratch memory, by use. */
export interface WorkerScratch {
  /** Rows of A, gathered for a product. */
  readonly rows: Scratch;
  /** Rows of B, where they are gathered too. */
  readonly columns: Scratch;
  /** Tiles in float32 before they are narrowed. */
  readonly tile: Scratch;
  /** Products that are not made where they are read. */
  readonly product: Scratch;
}

export function createScratch(): WorkerScratch {
  return { rows: new Scratch(), columns: new Scratch(), tile: new Scratch(), product: new Scratch() };
}
