/** What a sample of numbers looks like: one number, drawn, or computed. `logah.client.onnx_look` is the same in Python. */

import { isSameBytes } from './bytes';
import type { ContentKind, TensorContent } from './content';
import type { FloatData } from './float-data';

/** Numbers that are looked at, unless they are all equal so far. */
export const SAMPLE = 16384;

/** Of them, those that are compared with each other. */
const COMPARED = 4096;

export type Look = Pick<TensorContent, 'kind' | 'mean' | 'deviation' | 'nonNegative'>;

export function lookOf(data: FloatData): Look {
  const { shape, count } = data;
  const sample = data.numbers(0, Math.min(count, SAMPLE));
  const [first = 0] = sample;
  const constant = Object.is(first, -0) ? 0 : first;
  const moments = momentsOf(sample);
  if (sample.every((value) => value === constant) && isAll(data)) {
    const kind = constant === 0 ? 'zeros' : constant === 1 ? 'ones' : 'constant';
    return { kind, mean: constant, deviation: 0, nonNegative: constant >= 0 };
  }
  return {
    kind: kindOf(sample, shape, moments),
    ...moments,
    nonNegative: sample.every((value) => value >= 0),
  };
}

/**
 * Whether what follows the sample is the same bytes again and again: each number those of the one before. Of very large
 * tensors a part of the rest is read, from everywhere.
 */
function isAll({ count, width, bytes }: FloatData): boolean {
  for (
    let start = SAMPLE;
    start < count;
    start += start < READ_WHOLLY ? READ_AT_ONCE : SPREAD * READ_AT_ONCE
  ) {
    const part = bytes(start - 1, Math.min(count, start + READ_AT_ONCE));
    if (!isSameBytes(part.subarray(width), part.subarray(0, part.length - width))) return false;
  }
  return true;
}

/** Numbers of a tensor that may be one throughout. */
const READ_AT_ONCE = 2 ** 20;
const READ_WHOLLY = 2 ** 26;
const SPREAD = 16;

interface SampleMoments {
  readonly mean: number;
  readonly deviation: number;
}

function momentsOf(sample: Float64Array): SampleMoments {
  let sum = 0;
  for (const value of sample) sum += value;
  const mean = sum / sample.length;
  let squares = 0;
  for (const value of sample) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / sample.length);
  return Number.isFinite(deviation) ? { mean, deviation } : { mean: 0, deviation: 0 };
}

function kindOf(
  sample: Float64Array,
  shape: readonly number[],
  { mean, deviation }: SampleMoments,
): ContentKind {
  if (sample.some((value) => !Number.isFinite(value))) return 'structured';
  const columns = shape.at(-1) ?? 1;
  const isPattern =
    hasFewNumbers(sample) || isSinusoidal(sample, columns) || isSmooth(sample, columns, deviation);
  if (isPattern) return 'structured';
  const allowed = 4 / Math.sqrt(sample.length);
  const isDrawn =
    Math.abs(mean) <= allowed * deviation &&
    Math.abs(correlation(sample, 1, mean, deviation)) <= allowed &&
    Math.abs(correlation(sample, columns, mean, deviation)) <= allowed;
  return isDrawn ? 'drawn' : 'other';
}

/** Masks, windows and matrices of Fourier have the same numbers again and again; zeros are left out, as of pruned ones. */
function hasFewNumbers(sample: Float64Array): boolean {
  const compared = sample.subarray(0, COMPARED).filter((value) => value !== 0);
  if (sample.length < 64 || compared.length < 8) return false;
  const largest = compared.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const distinct = new Set(compared.map((value) => Math.round((value / largest) * 1e5)));
  return distinct.size <= compared.length / 8;
}

/** Rows of sines and cosines: squares of both add up to one. */
function isSinusoidal(sample: Float64Array, columns: number): boolean {
  const rows = Math.min(Math.floor(sample.length / columns), 256);
  if (columns < 8 || rows < 4) return false;
  let fitting = 0;
  for (let row = 0; row < rows; row++) {
    const values = sample.subarray(row * columns, (row + 1) * columns);
    const sum = values.reduce((total, value) => total + value * value, 0);
    if (Math.abs(sum / (columns / 2) - 1) < 1e-3) fitting += 1;
    if (values.some((value) => Math.abs(value) > 1.0001)) return false;
  }
  return fitting >= 0.9 * rows;
}

/** Neighbours along one of the last two dimensions hardly differ. */
function isSmooth(sample: Float64Array, columns: number, deviation: number): boolean {
  const steps = (distance: number, within: number): boolean => {
    let squares = 0;
    let count = 0;
    for (let at = 0; at + distance < sample.length; at++) {
      if (within > 0 && (at % within) + distance >= within) continue;
      squares += ((sample[at + distance] as number) - (sample[at] as number)) ** 2;
      count += 1;
    }
    return count >= 15 && squares / count < 0.04 * deviation ** 2;
  };
  const rows = Math.floor(sample.length / columns);
  return (columns >= 16 && steps(1, columns)) || (rows >= 16 && columns > 1 && steps(columns, 0));
}

function correlation(sample: Float64Array, distance: number, mean: number, deviation: number): number {
  const count = sample.length - distance;
  if (count < 16) return 0;
  let sum = 0;
  for (let at = 0; at < count; at++) {
    sum += ((sample[at] as number) - mean) * ((sample[at + distance] as number) - mean);
  }
  return sum / count / deviation ** 2;
}
