/** A tensor of the plan: what is sent of it, and the tiles that hold that. */

import type { CoreBlock } from './core';
import type { FactorPiece } from './factors';
import type { TensorContent } from './plan-tensor';
import { elementsBefore, endOf, type Runs } from './runs';
import type { Box } from './slicing';
import { rowsPerTile, type Tile } from './tile';

/** One tensor of the plan. */
export interface PlannedTensor extends TensorContent {
  readonly sent: boolean;
  /** The box that is sent, in the tensor's dimensions; undefined where it is not sent. */
  readonly box: Box | undefined;
  /** The elements of the box. */
  readonly runs: Runs;
  /** Bytes sent; 0 where the tensor is not. */
  readonly bytes: number;
  /** Position of the first byte in the data of the whole answer. */
  readonly offset: number;
  /** The pieces as factors, where the tensor is sent so. */
  readonly factors: readonly FactorPiece[] | undefined;
  /** The pieces as cores, where the tensor is sent so. */
  readonly core: readonly CoreBlock[] | undefined;
}

/** A tile, and how many of its elements are sent. */
export interface SentTile extends Tile {
  readonly elements: number;
}

/**
 * The tiles that hold what is sent of a tensor, in order. Their bounds depend only on the tensor's shape, so that a
 * slice is cut from the very tiles that the whole tensor is made of.
 */
export function* tilesOf({ view, runs }: PlannedTensor): Generator<SentTile> {
  if (runs.count === 0) return;
  const { rows, columns } = view;
  const step = rowsPerTile(columns);
  const end = endOf(runs);
  const first = Math.floor(runs.start / columns);
  for (let row = first - (first % step); row * columns < end; row += step) {
    const tile = { row, rows: Math.min(step, rows - row) };
    const elements = elementsBefore(runs, (row + tile.rows) * columns) - elementsBefore(runs, row * columns);
    if (elements > 0) yield { ...tile, elements };
  }
}
