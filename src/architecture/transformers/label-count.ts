import { quoted } from '../../graph/violations';
import type { ConfigReader } from './config-reader';

/** The number of classes: of `id2label`, or `num_labels`, or 2. */
export function labelCount(reader: ConfigReader): number {
  const count = reader.size('num_labels', 2);
  const names = reader.raw('id2label');
  if (names === undefined || names === null) return count;
  if (typeof names !== 'object' || Array.isArray(names) || Object.keys(names).length === 0) {
    reader.violation('id2label', 'must be an object with an entry for each class');
    return count;
  }
  const indices = Object.keys(names);
  const wrong = indices.find((index) => !/^\d+$/.test(index));
  if (wrong !== undefined) reader.violation('id2label', `has a key that is not an integer: ${quoted(wrong)}`);
  const given = new Set(indices.map(Number)).size;
  if (reader.raw('num_labels') !== undefined && count !== given) {
    reader.violation('num_labels', `is ${count}, but id2label has ${given} entries`);
  }
  return given;
}
