/** CRC-32 (ISO-HDLC, as in zlib) of joined bytes from those of the parts, so that parts can be summed by any thread. */

/** The polynomial, its bits reversed: bit 31 is the coefficient of x^0. */
const POLYNOMIAL = 0xedb88320;

/** x^(2^k) modulo the polynomial; the powers repeat after 31. */
const SQUARES = squares();

/** The CRC-32 of bytes with `first` followed by `bytes` bytes with `second`. */
export function joinCrc32(first: number, second: number, bytes: number): number {
  return (multiply(powerOfX(bytes * 8), first) ^ second) >>> 0;
}

/** x^exponent modulo the polynomial. */
function powerOfX(exponent: number): number {
  let power = 0x80000000;
  for (let k = 0, rest = exponent; rest > 0; k++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(SQUARES[k % SQUARES.length] as number, power);
  }
  return power;
}

/** The product of two polynomials over GF(2), modulo the polynomial. */
function multiply(one: number, other: number): number {
  let product = 0;
  let shifted = other;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((one & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

function squares(): readonly number[] {
  const values = [0x40000000];
  while (values.length < 32) {
    const last = values.at(-1) as number;
    values.push(multiply(last, last));
  }
  return values.slice(0, 31);
}
