/** The plan as text for elsewhere. */

import type { Network } from '../state/network';
import type { TensorBytes } from './tensor-bytes';

export type CopyForm = 'csv' | 'json';

/** Puts the plan's tensors on the clipboard; resolves with what to tell of it. */
export async function copyPlan(form: CopyForm, network: Network, bytes: TensorBytes): Promise<string> {
  const records = network.tensors.map(
    ({ name, shape, origin, rank, elements, predicted, tiled, initialized, tiedTo, bytes: dense }) => ({
      name,
      shape: shape.join('x'),
      origin,
      rank,
      elements,
      predicted,
      tiled,
      initialized,
      tied_to: tiedTo,
      dense_bytes: dense,
      factor_bytes: bytes.get(name)?.factors ?? '',
      core_bytes: bytes.get(name)?.core ?? '',
    }),
  );
  const text = form === 'json' ? JSON.stringify(records, null, 1) : csvOf(records);
  try {
    await navigator.clipboard.writeText(text);
    return `${records.length} tensors copied`;
  } catch {
    return 'the browser did not allow it';
  }
}

function csvOf(records: readonly Readonly<Record<string, string | number>>[]): string {
  const [first = {}] = records;
  const lines = [Object.keys(first), ...records.map((record) => Object.values(record))];
  return lines.map((line) => line.map(quoted).join(',')).join('\r\n');
}

function quoted(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
