/** Normal noise that depends only on a stream's key and the index of an element in its parameter. */

import { inverseNormal, philox, type StreamKey } from './random';

/** Elements that share one block of Philox's words, which cost more than the quantiles. */
const WORDS = 4;

/**
 * Adds to each of `values`, the elements from index `first` on (below 2^53), a normal number with mean 0 and the given
 * standard deviation. Element i has word i mod 4 of the block with counter floor(i / 4): numbers of 32 bits, which reach
 * to 6.3 deviations. The sum is rounded to float32 once.
 */
export function addNormals(
  key: StreamKey,
  first: number,
  standardDeviation: number,
  values: Float32Array,
): void {
  for (let at = 0; at < values.length;) {
    const block = Math.floor((first + at) / WORDS);
    const words = philox(key, [block >>> 0, Math.floor(block / 2 ** 32), 0, 0]);
    for (let word = (first + at) % WORDS; word < WORDS && at < values.length; word++, at++) {
      const uniform = ((words[word] as number) + 0.5) / 2 ** 32;
      values[at] = (values[at] as number) + standardDeviation * inverseNormal(uniform);
    }
  }
}
