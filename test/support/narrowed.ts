/** The bits of a float16 or bfloat16 from those of a float32, one number at a time: rounds to nearest even. */
export function narrowed(bits: number, type: 'f16' | 'bf16'): number {
  return type === 'bf16' ? bfloat16(bits) : float16(bits);
}

function bfloat16(bits: number): number {
  // A quiet NaN must stay one: rounding could carry its payload into the exponent.
  return (bits & 0x7fffffff) > 0x7f800000
    ? (bits >>> 16) | 0x40
    : ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function float16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // 2^16 and above, infinity and NaN.
  if (magnitude >= 0x47800000)
    return sign | (magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00);
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent from 127 to 15 and round off 13 bits; a carry may reach infinity, rightly.
    const rebased = magnitude - 0x38000000;
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Up to half of the smallest subnormal: zero, ties to even.
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const half = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (half + (rest > tie || (rest === tie && (half & 1) === 1) ? 1 : 0));
}
