/**
 * Random numbers that depend only on (seed, parameter name, element index): the same on every replica and in every
 * slice. Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011) makes the bits.
 */

import { createHash } from 'node:crypto';

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The key of a parameter's stream: two 32-bit words. */
export type StreamKey = readonly [number, number];

/** The stream of a parameter under a seed. */
export function streamKey(seed: number, parameter: string): StreamKey {
  const digest = createHash('sha256').update(JSON.stringify([seed, parameter])).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** Four 32-bit words for a counter of four 32-bit words. */
export function philox(key: StreamKey, counter: readonly [number, number, number, number]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(MULTIPLIER_0, c0);
    const [high1, low1] = multiply(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A normal number with mean 0 and the given standard deviation, for element `index` (0 to 2^53 - 1). */
export function normal(key: StreamKey, index: number, standardDeviation: number): number {
  const [u] = uniforms(key, index, 0);
  return standardDeviation * inverseNormal(u);
}

/** The same, truncated to the interval from -2 to 2 by rejection. */
export function truncatedNormal(key: StreamKey, index: number, standardDeviation: number): number {
  for (let attempt = 0; ; attempt++) {
    const [u, v] = uniforms(key, index, attempt);
    if (standardDeviation < 1) {
      const value = standardDeviation * inverseNormal(u);
      if (Math.abs(value) <= 2) return value;
    } else {
      // A wide normal is nearly flat within the interval: rejecting from the uniform needs few attempts.
      const value = 4 * u - 2;
      if (v <= Math.exp(-0.5 * (value / standardDeviation) ** 2)) return value;
    }
  }
}

/** Two numbers in the open interval (0, 1) of 52 random bits each. */
function uniforms(key: StreamKey, index: number, attempt: number): [number, number] {
  const words = philox(key, [index >>> 0, Math.floor(index / 2 ** 32) >>> 0, attempt >>> 0, 0]);
  return [uniform(words[0], words[1]), uniform(words[2], words[3])];
}

function uniform(high: number, low: number): number {
  return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
}

/** The high and low word of the product of two 32-bit words. */
function multiply(a: number, b: number): [number, number] {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const low = aLow * (b >>> 0);
  const high = aHigh * (b >>> 0);
  // Both partial products are below 2^48, so their sums are exact.
  const middle = high + Math.floor(low / 2 ** 16);
  return [Math.floor(middle / 2 ** 16) >>> 0, Math.imul(a, b) >>> 0];
}

/** The quantile of the standard normal distribution (Wichura, algorithm AS 241, PPND16; relative error 1e-16). */
export function inverseNormal(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const tail =
    r <= 5
      ? polynomial(MIDDLE_NUMERATOR, r - 1.6) / polynomial(MIDDLE_DENOMINATOR, r - 1.6)
      : polynomial(FAR_NUMERATOR, r - 5) / polynomial(FAR_DENOMINATOR, r - 5);
  return q < 0 ? -tail : tail;
}

/** Coefficients from the constant term upwards. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

const CENTRE_NUMERATOR = [
  3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
  45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
];
const CENTRE_DENOMINATOR = [
  1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867,
  39307.89580009271061, 28729.085735721942674, 5226.495278852545925,
];
const MIDDLE_NUMERATOR = [
  1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
  1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
];
const MIDDLE_DENOMINATOR = [
  1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
  0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9,
];
const FAR_NUMERATOR = [
  6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123,
  0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
];
const FAR_DENOMINATOR = [
  1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
  1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
];
