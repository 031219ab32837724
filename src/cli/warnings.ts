import type { Coverage, Warning } from '../client';

/** Prints a plan's warnings to standard error, one a line. */
export function printWarnings(warnings: readonly Warning[]): void {
  for (const { text } of warnings) {
    process.stderr.write(`warning: ${text}\n`);
  }
}

/**
 * Says that another seed would bring the same weights: nothing is filled by rule, and no noise is added. 0 is what a
 * caller has who gave none.
 */
export function warnOfIdleSeed(coverage: Coverage, lift: number, seed: number): void {
  if (seed === 0 || lift > 0 || coverage.initialized > 0) return;
  process.stderr.write(
    `warning: --seed ${seed} changes no weight: all of them are predicted, and would be the same with any seed; ` +
      '--lift adds seeded noise\n',
  );
}
