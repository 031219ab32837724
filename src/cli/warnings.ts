import type { Warning } from '../client';

/** Prints a plan's warnings to standard error, one a line. */
export function printWarnings(warnings: readonly Warning[]): void {
  for (const { text } of warnings) {
    process.stderr.write(`warning: ${text}\n`);
  }
}
