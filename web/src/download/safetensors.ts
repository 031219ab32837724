/** The header of a safetensors file: 8 bytes of little-endian length, then JSON, padded with spaces. */

import { DataType, type Plan } from '../../../src/gen/es/logah/v1/logah_pb';
import type { WeightsFile } from './weights-file';

const TYPES: Readonly<Record<DataType, string>> = {
  [DataType.UNSPECIFIED]: 'F32',
  [DataType.FLOAT32]: 'F32',
  [DataType.FLOAT16]: 'F16',
  [DataType.BFLOAT16]: 'BF16',
};

const LENGTH_BYTES = 8;

/** The file of what the plan sends. */
export function safetensorsFile(plan: Plan): WeightsFile {
  const begin = safetensorsHeader(plan);
  return {
    size: begin.length + Number(plan.totalBytes),
    begin,
    next: (data) => [data],
    end: () => new Uint8Array(),
  };
}

/** The header for what the plan sends, in its order; the data of the stream begins right behind. */
function safetensorsHeader(plan: Plan): Uint8Array {
  const metadata = { format: 'pt', logah_model: plan.model, logah_fingerprint: plan.fingerprint };
  const entries = plan.tensors
    .filter(({ sent }) => sent)
    .map(({ name, sentShape, offset, bytes }): [string, unknown] => [
      name,
      {
        dtype: TYPES[plan.dtype],
        shape: sentShape.map(Number),
        data_offsets: [Number(offset), Number(offset + bytes)],
      },
    ]);
  // Not Object.fromEntries: an object would sort names that look like numbers to the front.
  const json = [['__metadata__', metadata] as const, ...entries]
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',');
  const text = new TextEncoder().encode(`{${json}}`);
  const padded = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, LENGTH_BYTES);
  return header;
}
