/** The mean and the deviations of a block's elements, repetitions included, from the factors that it is a product of. */

import type { Factors } from '../hypernet/sessions';
import { decodedEntry, type Cycle, type Cycles } from '../plan/cycle';
import { joinMoments, productMoments, type Moments, type Occurrences } from './moments';
import type { PositionRecipe, ScaledRecipe } from '../plan/recipe';

/** Entries of a block in its first dimension (position embeddings: tokens) and in its second (channels). */
export interface Extent {
  readonly first: number;
  readonly second: number;
}

/**
 * The moments of a block of the recipe's product, before its scale. `factors` are those that the recipe needs, with
 * `rank` columns; `cycles` are the block's own, where it does not just repeat from the beginning.
 */
export function momentsOf(
  recipe: ScaledRecipe,
  { first, second }: Extent,
  factors: Factors,
  rank: number,
  cycles: Cycles = {},
): Moments {
  switch (recipe.kind) {
    case 'matrix':
      return productMoments({
        ...factors,
        rank,
        rows: occurrences(first, recipe.m, cycles.rows),
        columns: occurrences(second, recipe.n, cycles.columns),
      });
    case 'kernel': {
      const outputs = occurrences(first, recipe.o, cycles.rows);
      const inputs = occurrences(second, recipe.i, cycles.columns);
      return productMoments({
        ...factors,
        rank,
        rows: (row) => outputs(Math.floor(row / recipe.h)),
        columns: (row) => inputs(Math.floor(row / recipe.w)),
      });
    }
    case 'position':
      return positionMoments(recipe, first, occurrences(second, recipe.c, cycles.columns), factors, rank);
  }
}

/** Tokens fill squares of s rows; the last square may end within a row, so it is measured in up to three parts. */
function positionMoments(
  { s }: PositionRecipe,
  tokens: number,
  channels: Occurrences,
  factors: Factors,
  rank: number,
): Moments {
  const squares = Math.floor(tokens / (s * s));
  const left = tokens % (s * s);
  const [fullRows, inLastRow] = [Math.floor(left / s), left % s];
  const part = (rows: Occurrences, width: number): Moments =>
    productMoments({
      ...factors,
      rank,
      rows,
      columns: (row) => (row % s < width ? channels(Math.floor(row / s)) : 0),
    });
  const parts = [
    part((row) => squares + (row < fullRows ? 1 : 0), s),
    part((row) => (row === fullRows ? 1 : 0), inLastRow),
  ];
  return parts.reduce(joinMoments);
}

/** How often each of `decoded` entries occurs among `wanted` that repeat them. */
function occurrences(wanted: number, decoded: number, cycle: Cycle | undefined): Occurrences {
  if (cycle !== undefined) {
    const times = new Float64Array(decoded);
    for (let index = 0; index < wanted; index++) {
      const entry = decodedEntry(index, decoded, cycle);
      times[entry] = (times[entry] as number) + 1;
    }
    return (entry) => times[entry] as number;
  }
  const whole = Math.floor(wanted / decoded);
  const more = wanted % decoded;
  return (entry) => whole + (entry < more ? 1 : 0);
}
