/** Other ways to start: what their elements and singular values would be distributed like. */

import type { TensorEntry } from '../state/network';
import { matrixOf } from './region';

/** A start that needs no weights to be known. */
export interface KnownStart {
  readonly name: string;
  /** Standard deviation of an element. */
  readonly deviation: number;
  /** Probability density of an element. */
  readonly density: (value: number) => number;
  /** Singular values, in descending order, at so many places. */
  readonly spectrum: (count: number) => readonly number[];
}

/** What transformers uses where a configuration says nothing. */
const USUAL_RANGE = 0.02;

/** Normal elements, as the network's own initialisation draws them. */
export function defaultStart(tensor: TensorEntry, initializerRange: number | undefined): KnownStart {
  const deviation = initializerRange ?? USUAL_RANGE;
  const { rows, columns } = matrixOf(tensor.shape);
  return {
    name: `default, N(0, ${deviation}²)`,
    deviation,
    density: (value) => normal(value, deviation),
    spectrum: (count) => marchenkoPastur(rows, columns, deviation, count),
  };
}

/** A matrix with orthonormal rows or columns: its elements are nearly normal, its singular values all 1. */
export function orthogonalStart(tensor: TensorEntry): KnownStart {
  const { rows, columns } = matrixOf(tensor.shape);
  const deviation = 1 / Math.sqrt(Math.max(rows, columns));
  return {
    name: 'orthogonal',
    deviation,
    density: (value) => normal(value, deviation),
    spectrum: (count) => new Array<number>(count).fill(1),
  };
}

function normal(value: number, deviation: number): number {
  return Math.exp(-((value / deviation) ** 2) / 2) / (deviation * Math.sqrt(2 * Math.PI));
}

const STEPS = 4000;

/** The largest singular values of a matrix of independent elements, by the law of Marchenko and Pastur (1967). */
function marchenkoPastur(rows: number, columns: number, deviation: number, count: number): readonly number[] {
  const [small, large] = [Math.min(rows, columns), Math.max(rows, columns)];
  const ratio = small / large;
  const [low, high] = [(1 - Math.sqrt(ratio)) ** 2, (1 + Math.sqrt(ratio)) ** 2];
  const step = (high - low) / STEPS;
  const values: number[] = [];
  let passed = 0;
  // From the largest eigenvalue down, one value for each 1/small of the probability.
  for (let index = 0; index < STEPS && values.length < Math.min(count, small); index++) {
    const eigenvalue = high - (index + 0.5) * step;
    const density = Math.sqrt((high - eigenvalue) * (eigenvalue - low)) / (2 * Math.PI * ratio * eigenvalue);
    passed += density * step * small;
    while (passed >= values.length + 0.5 && values.length < Math.min(count, small)) {
      values.push(deviation * Math.sqrt(eigenvalue * large));
    }
  }
  return values;
}
