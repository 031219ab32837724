/** What is to be printed of a plan, or of a network that was read. */
interface Printed {
  readonly warnings: readonly { readonly text: string }[];
  readonly notes: readonly string[];
}

/** Prints a plan's warnings, and what there is to know of how the network was read, to standard error, one a line. */
export function printWarnings({ warnings, notes }: Printed): void {
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  for (const { text } of warnings) {
    process.stderr.write(`warning: ${text}\n`);
  }
}

/**
 * Says that another seed would bring the same weights: nothing is filled at random, and no noise is added. 0 is what a
 * caller has who gave none.
 */
export function warnOfIdleSeed(seededElements: number, seed: number): void {
  if (seed === 0 || seededElements > 0) return;
  process.stderr.write(
    `warning: --seed ${seed} changes no weight: none of them is drawn at random, and all would be the same with any ` +
      'seed; --lift and --base add seeded noise to what is predicted\n',
  );
}
