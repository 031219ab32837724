/** Elements in the type in which they are sent, from the float32 in which everything is computed. */

import {
  SPARE,
  SPARE_BYTES,
  STAGED,
  staging,
  stagingMemory,
  STEP_BYTES,
  sumStaged,
} from '../checksum/staging';
import { bytesPerElement, type ElementType } from '../element-type';
import { instantiate } from '../wasm';
import { NARROW_WASM } from './narrow-wasm';

type Narrow = (from: number, end: number, to: number) => void;

const narrow = instantiate(NARROW_WASM, { staging: { memory: stagingMemory } }) as Record<
  'f16' | 'bf16',
  Narrow
>;
const spare = new Float32Array(staging.buffer, SPARE, SPARE_BYTES / 4);

/**
 * Writes the elements to `target` in a type, little-endian, and returns the CRC-32 of their bytes. To float16 and bfloat16
 * rounds to nearest even; too large becomes infinity, NaN stays NaN. `target` has room for them, and may be shared memory.
 */
export function writeElements(source: Float32Array, target: Uint8Array, type: ElementType): number {
  const size = bytesPerElement(type);
  const step = Math.min(STEP_BYTES, (SPARE_BYTES / 4) * size) / size;
  let crc32 = 0;
  for (let first = 0; first < source.length; first += step) {
    const part = source.subarray(first, first + step);
    const bytes = part.length * size;
    stage(part, type);
    target.set(staging.subarray(STAGED, STAGED + bytes), first * size);
    crc32 = sumStaged(bytes, crc32);
  }
  return crc32;
}

/** Converts float32 to float16 or bfloat16 bits, as `writeElements` does. */
export function convert(source: Float32Array, target: Uint16Array, type: 'f16' | 'bf16'): void {
  const step = SPARE_BYTES / 4;
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let first = 0; first < source.length; first += step) {
    const part = source.subarray(first, first + step);
    stage(part, type);
    bytes.set(staging.subarray(STAGED, STAGED + part.length * 2), first * 2);
  }
}

function stage(part: Float32Array, type: ElementType): void {
  if (type === 'f32') {
    staging.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), STAGED);
    return;
  }
  spare.set(part);
  narrow[type](SPARE, SPARE + part.byteLength, STAGED);
}
