/**
 * The tensors of a plan as bytes: a tenth of the memory that they take as objects, and nothing to be copied object by
 * object when they pass from one thread to another. They are unpacked a few at a time, as a stream comes to them.
 */

import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DataRange } from '../../plan/data-range';
import type { PlannedTensor } from '../../plan/planned-tensor';

/** Batches of tensors, one after the other. */
export interface PackedTensors {
  readonly bytes: Uint8Array;
  /** Where each batch ends. */
  readonly ends: Uint32Array;
}

/** Pieces of a batch, after which it is closed: what is unpacked in well under a millisecond. */
const BATCH_PIECES = 64;

const FASTEST = { level: 1 };

/** Packs the tensors that have bytes within a range. */
export function packTensors(tensors: Iterable<PlannedTensor>, { start, end }: DataRange): PackedTensors {
  const batches: Buffer[] = [];
  const ends: number[] = [];
  let total = 0;
  let batch: PlannedTensor[] = [];
  let pieces = 0;
  const close = (): void => {
    if (batch.length === 0) return;
    const packed = deflateRawSync(serialize(batch), FASTEST);
    batches.push(packed);
    total += packed.length;
    ends.push(total);
    batch = [];
    pieces = 0;
  };
  for (const tensor of tensors) {
    if (!tensor.sent || tensor.offset + tensor.bytes <= start || tensor.offset >= end) continue;
    batch.push(tensor);
    pieces += 1 + tensor.pieces.length;
    if (pieces >= BATCH_PIECES) close();
  }
  close();
  return { bytes: Buffer.concat(batches, total), ends: Uint32Array.from(ends) };
}

/** The tensors again, a batch at a time. */
export function* unpackTensors({ bytes, ends }: PackedTensors): Generator<PlannedTensor, void, undefined> {
  let start = 0;
  for (const end of ends) {
    yield* deserialize(inflateRawSync(bytes.subarray(start, end))) as PlannedTensor[];
    start = end;
  }
}
