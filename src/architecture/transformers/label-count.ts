import { quoted } from '../../graph/violations';
import type { ConfigReader } from './config-reader';

/** Where the configuration does not say. */
const DEFAULT_LABELS = 2;

/** The number of classes: `num_labels`, which outdoes `id2label`, the entries of that, or `fallback`. */
export function labelCount(reader: ConfigReader, least = 1, fallback = DEFAULT_LABELS): number {
  const given = reader.raw('num_labels') === undefined ? namedLabels(reader, least) : undefined;
  return given ?? reader.size('num_labels', least, fallback);
}

function namedLabels(reader: ConfigReader, least: number): number | undefined {
  const names = reader.raw('id2label');
  if (names === undefined || names === null) return undefined;
  if (typeof names !== 'object' || Array.isArray(names) || Object.keys(names).length < least) {
    reader.violation('id2label', 'must be an object with an entry for each class');
    return undefined;
  }
  const indices = Object.keys(names);
  const wrong = indices.find((index) => !/^\d+$/.test(index));
  if (wrong !== undefined) reader.violation('id2label', `has a key that is not an integer: ${quoted(wrong)}`);
  return new Set(indices.map(Number)).size;
}
