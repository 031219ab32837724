/** Element types of the tensors sent, and the conversion from the float32 in which everything is computed. */

/** float32, float16 or bfloat16, little-endian. */
export type ElementType = 'f32' | 'f16' | 'bf16';

/** Bytes of one element. */
export function bytesPerElement(type: ElementType): 2 | 4 {
  return type === 'f32' ? 4 : 2;
}

/**
 * Converts float32 to float16 or bfloat16 bits, rounding to nearest even; too large becomes infinity, NaN stays NaN.
 * `target` has at least as many elements as `source`.
 */
export function convert(source: Float32Array, target: Uint16Array, type: 'f16' | 'bf16'): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  if (type === 'bf16') toBfloat16(bits, target);
  else toFloat16(bits, target);
}

function toBfloat16(bits: Uint32Array, target: Uint16Array): void {
  for (let index = 0; index < bits.length; index++) {
    const value = bits[index] as number;
    // A quiet NaN must stay one: rounding could carry its payload into the exponent.
    target[index] =
      (value & 0x7fffffff) > 0x7f800000
        ? (value >>> 16) | 0x40
        : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
}

function toFloat16(bits: Uint32Array, target: Uint16Array): void {
  for (let index = 0; index < bits.length; index++) {
    const value = bits[index] as number;
    const sign = (value >>> 16) & 0x8000;
    const magnitude = value & 0x7fffffff;
    if (magnitude >= 0x47800000) {
      // 2^16 and above, infinity and NaN.
      target[index] = sign | (magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00);
    } else if (magnitude >= 0x38800000) {
      // Normal: rebias the exponent from 127 to 15 and round off 13 bits; a carry may reach infinity, rightly.
      const rebased = magnitude - 0x38000000;
      target[index] = sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
    } else if (magnitude <= 0x33000000) {
      // Up to half of the smallest subnormal: zero, ties to even.
      target[index] = sign;
    } else {
      const shift = 126 - (magnitude >>> 23);
      const mantissa = (magnitude & 0x7fffff) | 0x800000;
      const half = mantissa >>> shift;
      const rest = mantissa & ((1 << shift) - 1);
      const tie = 1 << (shift - 1);
      target[index] = sign | (half + (rest > tie || (rest === tie && (half & 1) === 1) ? 1 : 0));
    }
  }
}
