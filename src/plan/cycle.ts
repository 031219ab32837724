/**
 * Dimensions that repeat. What is decoded along a dimension repeats from its beginning where the tensor has more. In a
 * widened network the base's block repeats, which may itself be a part of what is decoded, or a repetition that ends
 * within: then the block has a cycle of its own.
 */

/** Entry i of a dimension is decoded entry `start + i mod period`, modulo the number decoded. */
export interface Cycle {
  readonly start: number;
  readonly period: number;
}

/** Of a block's rows and columns, in entries of the decoded dimensions; undefined: plain repetition. */
export interface Cycles {
  readonly rows?: Cycle | undefined;
  readonly columns?: Cycle | undefined;
}

/** The decoded entry, of `decoded`, that entry `index` is. */
export function decodedEntry(index: number, decoded: number, cycle: Cycle | undefined): number {
  return cycle === undefined ? index % decoded : (cycle.start + (index % cycle.period)) % decoded;
}

/**
 * The cycle of a dimension of `size` entries that repeats a base's `period`, of which the first is entry `start` of what
 * is decoded; undefined where that is plain repetition.
 */
export function cycleOf(size: number, start: number, period: number, decoded: number): Cycle | undefined {
  const isPlain = start === 0 && (size === period || period % decoded === 0);
  return isPlain ? undefined : { start, period };
}
