/** What one way of doing something costs against another, where both were measured in turns. */

import { spreadOf, type Spread } from '../src/cli/output/statistics';

/** A median, how far it may be off, and what it is the median of. */
export interface Estimate {
  readonly median: number;
  /** Twice the standard error of the median, as far as the rounds differ from each other. */
  readonly margin: number;
  readonly spread: Spread;
}

/** Of one over the other, round by round: two runs that follow each other have more in common than the medians of all. */
export function ratioOf(ones: readonly number[], others: readonly number[]): Estimate {
  return estimateOf(ones.map((one, round) => one / (others[round] ?? NaN)));
}

/** The same of one less the other. */
export function differenceOf(ones: readonly number[], others: readonly number[]): Estimate {
  return estimateOf(ones.map((one, round) => one - (others[round] ?? NaN)));
}

/** From the median deviation of values that are about normal. */
export function estimateOf(values: readonly number[]): Estimate {
  const spread = spreadOf(values);
  const deviation = 1.4826 * spreadOf(values.map((value) => Math.abs(value - spread.median))).median;
  return { median: spread.median, margin: (2 * 1.2533 * deviation) / Math.sqrt(values.length), spread };
}

/** Parts that add up. */
export function sumOf(parts: readonly Pick<Estimate, 'median' | 'margin'>[]): Omit<Estimate, 'spread'> {
  return {
    median: parts.reduce((sum, { median }) => sum + median, 0),
    margin: Math.hypot(...parts.map(({ margin }) => margin)),
  };
}

/** Whether a bar is kept, as far as the margin lets one say. */
export function verdictOf({ median, margin }: Pick<Estimate, 'median' | 'margin'>, most: number): string {
  if (median + margin <= most) return 'met';
  return median - margin > most ? '**missed**' : median <= most ? 'met, within the margin' : '**undecided**';
}
