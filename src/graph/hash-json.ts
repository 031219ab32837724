/** Hashes of JSON, of which there may be megabytes. */

import type { Hash } from 'node:crypto';

/** Entries that are text at a time. */
const AT_A_TIME = 256;

/** Updates a hash with the text of a list, as `JSON.stringify` has it, without ever holding all of it. */
export function updateWithList(hash: Hash, entries: Iterable<unknown>): void {
  hash.update('[');
  let isFirst = true;
  const flush = (part: readonly unknown[]): void => {
    if (part.length === 0) return;
    hash.update(`${isFirst ? '' : ','}${JSON.stringify(part).slice(1, -1)}`);
    isFirst = false;
  };
  let part: unknown[] = [];
  for (const entry of entries) {
    part.push(entry);
    if (part.length < AT_A_TIME) continue;
    flush(part);
    part = [];
  }
  flush(part);
  hash.update(']');
}
