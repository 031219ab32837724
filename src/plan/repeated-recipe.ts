/** Recipes of a widened network's blocks, from those of its base's. */

import { cycleOf, type Cycle } from './cycle';
import type { FillRecipe, Recipe, RepeatedBlock, Scale } from './recipe';

type PredictedRecipe = Exclude<Recipe, FillRecipe>;

/** How a block repeats one of the base. */
export interface Repetition {
  /** Of the block, and of the base's that it repeats. */
  readonly shape: readonly number[];
  readonly baseShape: readonly number[];
  /** The dimension along which the base's block is a part of what is decoded, from entry `start` on. */
  readonly axis: number;
  readonly start: number;
  /** What elements are divided by. */
  readonly divisor: number;
}

/** The recipe of a block that repeats what `recipe` decodes for the base. */
export function repeatedRecipe(recipe: PredictedRecipe, repetition: Repetition): PredictedRecipe {
  const cyclic = { ...recipe, ...cyclesOf(recipe, repetition) };
  const { divisor } = repetition;
  if (divisor === 1) return cyclic;
  return cyclic.kind === 'vector' || cyclic.kind === 'dense_vector'
    ? { ...cyclic, factor: 1 / divisor }
    : // The kinds of scale belong to kinds of recipe, which stay as they are.
      ({ ...cyclic, scale: divided(cyclic.scale, divisor) } as PredictedRecipe);
}

/** The recipe of a block by rule that repeats `repeated`. */
export function repeatedFill(recipe: FillRecipe, repeated: RepeatedBlock, divisor: number): FillRecipe {
  return { ...recipe, repeated, ...(divisor !== 1 && { factor: 1 / divisor }) };
}

/** A deviation is measured in the base's block. */
function divided(scale: Scale, divisor: number): Scale {
  return typeof scale === 'number' ? scale / divisor : { ...scale, target: scale.target / divisor };
}

function cyclesOf(recipe: PredictedRecipe, repetition: Repetition): Pick<PredictedRecipe, 'cycles'> {
  const along = (axis: number, decoded: number): Cycle | undefined =>
    cycleOf(
      repetition.shape[axis] ?? 1,
      axis === repetition.axis ? repetition.start : 0,
      repetition.baseShape[axis] ?? 1,
      decoded,
    );
  const cycles = (rows: Cycle | undefined, columns: Cycle | undefined): Pick<PredictedRecipe, 'cycles'> =>
    rows === undefined && columns === undefined ? {} : { cycles: { rows, columns } };
  switch (recipe.kind) {
    case 'matrix':
    case 'dense_class':
      return cycles(along(0, recipe.m), along(1, recipe.n));
    case 'kernel':
      return cycles(along(0, recipe.o), along(1, recipe.i));
    case 'dense_kernel':
      return cycles(along(0, recipe.decoded[0]), along(1, recipe.decoded[1]));
    // Positions (1, t, c): tokens are never more than the base's.
    case 'position':
    case 'dense_position':
      return cycles(undefined, along(2, recipe.c));
    case 'vector':
    case 'dense_vector':
      return cycles(along(0, recipe.length), undefined);
  }
}
