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

/** The stream of a parameter under a seed: that of its rules, or the one for another `purpose`. */
export function streamKey(seed: number, parameter: string, purpose?: 'lift'): StreamKey {
  const digest = createHash('sha256')
    .update(JSON.stringify(purpose === undefined ? [seed, parameter] : [seed, parameter, purpose]))
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** Four 32-bit words for a counter of four 32-bit words. */
export function philox(
  key: StreamKey,
  counter: readonly [number, number, number, number],
): [number, number, number, number] {
  // Signed words and no arrays within the rounds: this is called for every element that is drawn.
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highWord(MULTIPLIER_0, c0);
    const high1 = highWord(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** A normal number with mean 0 and the given standard deviation, for element `index` (0 to 2^53 - 1). */
export function normal(key: StreamKey, index: number, standardDeviation: number): number {
  const [u] = unitUniforms(key, index, 0);
  return standardDeviation * inverseNormal(u);
}

/** The same, truncated to the interval from -2 to 2 by rejection. */
export function truncatedNormal(key: StreamKey, index: number, standardDeviation: number): number {
  for (let attempt = 0; ; attempt++) {
    const [u, v] = unitUniforms(key, index, attempt);
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

/**
 * A number of the standard normal distribution, truncated to the interval from `lower` to `upper` by rejection, for
 * element `index` (0 to 2^53 - 1). The proposal suits the interval, so that few attempts are needed wherever it lies
 * (Robert, "Simulation of truncated normal variables", 1995).
 */
export function boundedNormal(key: StreamKey, index: number, lower: number, upper: number): number {
  if (upper < 0) return -boundedNormal(key, index, -upper, -lower);
  const width = upper - lower;
  const nearest = Math.max(lower, 0);
  const isWide = lower > 0 ? width * Math.max(lower, 1) > 2 : width > 1.25;
  const rate = (nearest + Math.sqrt(nearest * nearest + 4)) / 2;
  for (let attempt = 0; ; attempt++) {
    const [u, v] = unitUniforms(key, index, attempt);
    if (!isWide) {
      const value = lower + width * u;
      if (v <= Math.exp((nearest * nearest - value * value) / 2)) return value;
    } else if (lower > 0) {
      const value = lower - Math.log(u) / rate;
      if (value <= upper && v <= Math.exp(-((value - rate) ** 2) / 2)) return value;
    } else {
      const value = inverseNormal(u);
      if (value >= lower && value <= upper) return value;
    }
  }
}

/** A number of the uniform distribution between -bound and bound, for element `index` (0 to 2^53 - 1). */
export function uniform(key: StreamKey, index: number, bound: number): number {
  return bound * (2 * standardUniform(key, index) - 1);
}

/** A number of the uniform distribution between 0 and 1, excluding both, for element `index` (0 to 2^53 - 1). */
export function standardUniform(key: StreamKey, index: number): number {
  return unitUniforms(key, index, 0)[0];
}

/** Two numbers in the open interval (0, 1) of 52 random bits each. */
function unitUniforms(key: StreamKey, index: number, attempt: number): [number, number] {
  const words = philox(key, [index >>> 0, Math.floor(index / 2 ** 32) >>> 0, attempt >>> 0, 0]);
  return [unitUniform(words[0], words[1]), unitUniform(words[2], words[3])];
}

function unitUniform(high: number, low: number): number {
  return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
}

/** The high word, signed, of the product of two 32-bit words. */
function highWord(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Each sum is below 2^32.
  const low = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16);
  const middle = (Math.imul(aLow, bHigh) >>> 0) + (low & 0xffff);
  return (Math.imul(aHigh, bHigh) + (low >>> 16) + (middle >>> 16)) | 0;
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
  let sum = 0;
  for (let at = coefficients.length - 1; at >= 0; at--) {
    sum = sum * x + (coefficients[at] as number);
  }
  return sum;
}

const CENTRE_NUMERATOR = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
const CENTRE_DENOMINATOR = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852546,
];
const MIDDLE_NUMERATOR = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
];
const MIDDLE_DENOMINATOR = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
];
const FAR_NUMERATOR = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
];
const FAR_DENOMINATOR = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
  1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
];
