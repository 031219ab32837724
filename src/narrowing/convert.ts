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
 * Writes elements one behind the other in a type, little-endian, and sums the CRC-32 of their bytes. To float16 and bfloat16
 * rounds to nearest even; too large becomes infinity, NaN stays NaN.
 */
export class ElementWriter {
  readonly #target: Uint8Array;
  readonly #type: ElementType;
  #at = 0;
  #crc32 = 0;

  /** `target` has room for all elements, and may be shared memory. */
  constructor(target: Uint8Array, type: ElementType) {
    this.#target = target;
    this.#type = type;
  }

  /** Of all that was written. */
  get crc32(): number {
    return this.#crc32;
  }

  /** Where elements can be made that `made` writes next, of STEP_BYTES at most: a byte of `staging`. */
  get place(): number {
    return this.#type === 'f32' ? STAGED : SPARE;
  }

  /** Writes the elements that lie at `place`. */
  made(elements: number): void {
    if (this.#type !== 'f32') narrow[this.#type](SPARE, SPARE + elements * 4, STAGED);
    this.#writeStaged(elements);
  }

  write(source: Float32Array): void {
    const step = STEP_BYTES / 4;
    for (let first = 0; first < source.length; first += step) {
      const part = source.subarray(first, first + step);
      stage(part, this.#type);
      this.#writeStaged(part.length);
    }
  }

  #writeStaged(elements: number): void {
    const bytes = elements * bytesPerElement(this.#type);
    this.#target.set(staging.subarray(STAGED, STAGED + bytes), this.#at);
    this.#at += bytes;
    this.#crc32 = sumStaged(bytes, this.#crc32);
  }
}

/** Writes the elements to `target` as an ElementWriter does; the CRC-32 of their bytes. */
export function writeElements(source: Float32Array, target: Uint8Array, type: ElementType): number {
  const writer = new ElementWriter(target, type);
  writer.write(source);
  return writer.crc32;
}

/** Converts float32 to float16 or bfloat16 bits, as an ElementWriter does. */
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
