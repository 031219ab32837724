/** Element types of the tensors sent. */

/** float32, float16 or bfloat16, little-endian. */
export type ElementType = 'f32' | 'f16' | 'bf16';

/** Bytes of one element. */
export function bytesPerElement(type: ElementType): 2 | 4 {
  return type === 'f32' ? 4 : 2;
}
