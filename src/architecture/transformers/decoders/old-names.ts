import type { ConfigReader } from '../config-reader';

/** `hidden_size`, which `n_embed`, its old name, outdoes. */
export function ownOrOldSize(reader: ConfigReader): number {
  const old = reader.raw('n_embed');
  const own = reader.size('hidden_size');
  return old === undefined || old === null ? own : reader.size('n_embed', 1, own);
}
