/** The header of a safetensors file: 8 bytes of little-endian length, then JSON, padded with spaces. */

import { LogahError } from '../../errors';
import { sentTensors, type CheckedPlan } from '../checked-plan';

/** Longest header in bytes, as the safetensors library has it. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes in front of the JSON. */
export const LENGTH_BYTES = 8;

/** The header's one key that is not a tensor. */
export const METADATA_KEY = '__metadata__';

/** Text by key; safetensors knows `format` ("pt" lets transformers load the file). */
export type SafetensorsMetadata = Readonly<Record<string, string>>;

/** The length and the JSON for the tensors that the plan sends, in its order; the data begins right behind. Throws LogahError. */
export function encodeHeader(plan: CheckedPlan, metadata: SafetensorsMetadata): Buffer {
  if (plan.tensors.some(({ name }) => name === METADATA_KEY)) {
    throw new LogahError(
      'invalid_argument',
      `a safetensors file cannot hold a tensor named "${METADATA_KEY}"`,
    );
  }
  const entries = sentTensors(plan).map(({ name, sentShape, offset, bytes }): [string, unknown] => [
    name,
    { dtype: plan.elementType, shape: sentShape, data_offsets: [offset, offset + bytes] },
  ]);
  // Not Object.fromEntries: an object would sort names that look like numbers to the front.
  const json = [[METADATA_KEY, metadata] as const, ...entries]
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',');
  const text = Buffer.from(`{${json}}`);
  const padded = Math.ceil(text.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new LogahError(
      'invalid_argument',
      `the safetensors header would have ${padded} bytes; ${MAX_HEADER_BYTES} are allowed`,
    );
  }
  const header = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded), 0);
  text.copy(header, LENGTH_BYTES);
  return header;
}
