/** Mean and standard deviation of what a rule draws. */

import type { FillFunction, Filling } from '../graph/filling';
import { transformed } from './draws';
import { sidesOf } from './orthogonal';

/** Where a truncated normal distribution is cut, in units of the parameter. */
const CUT = 2;

/** Over all seeds. */
export interface RuleMoments {
  readonly mean: number;
  readonly deviation: number;
}

const NOTHING: RuleMoments = { mean: 0, deviation: 0 };

/** Of an element by the rule; a rule that draws nothing has no deviation, and where its elements differ no mean, but 0. */
export function momentsOfRule(filling: Filling): RuleMoments {
  switch (filling.rule) {
    case 'zeros':
    case 'sequence':
    case 'identity':
    case 'sinusoids':
      return NOTHING;
    case 'ones':
      return { mean: 1, deviation: 0 };
    case 'constant':
      return { mean: filling.value, deviation: 0 };
    case 'normal':
      return { mean: 0, deviation: filling.standardDeviation };
    case 'shifted_normal':
      return { mean: filling.mean, deviation: filling.standardDeviation };
    case 'truncated_normal': {
      const { deviation } = boundedMoments(0, filling.standardDeviation, -CUT, CUT);
      return { mean: 0, deviation };
    }
    case 'bounded_normal': {
      const { mean, standardDeviation, lower, upper } = filling;
      return boundedMoments(mean, standardDeviation, lower, upper);
    }
    case 'uniform':
      return { mean: 0, deviation: filling.bound / Math.sqrt(3) };
    case 'uniform_between': {
      const { lower, upper, function: transform } = filling;
      return transform === undefined
        ? { mean: (lower + upper) / 2, deviation: (upper - lower) / Math.sqrt(12) }
        : momentsOfQuantiles((u) => lower + (upper - lower) * u, transform);
    }
    case 'log_uniform': {
      const { lower, upper, least, function: transform } = filling;
      const [from, to] = [Math.log(lower), Math.log(upper)];
      return momentsOfQuantiles((u) => Math.max(least, Math.exp(from + (to - from) * u)), transform);
    }
    case 'orthogonal': {
      const { rows, columns } = sidesOf(filling.block);
      // The squares of a row, or of a column where they are longer, add up to that of the gain.
      return { mean: 0, deviation: Math.abs(filling.gain) / Math.sqrt(Math.max(rows, columns)) };
    }
  }
}

/** Deviations from the likeliest value that double precision tells apart from none. */
const REACH = 9;
/** Panels of an integral, in each of which it is a sum at the points of Gauss and Legendre. */
const PANELS = 32;
/** Points between -1 and 1, and their weights; exact for polynomials of degree 9. */
const POINTS: readonly (readonly [number, number])[] = [
  [0, 128 / 225],
  ...[-1, 1].flatMap((side) =>
    [-1, 1].map((sign): [number, number] => [
      (side * Math.sqrt(5 - sign * 2 * Math.sqrt(10 / 7))) / 3,
      (322 + sign * 13 * Math.sqrt(70)) / 900,
    ]),
  ),
];

/** Of a normal distribution that is cut at both bounds. Cheap, since a request may ask for that of each of its blocks. */
function boundedMoments(mean: number, deviation: number, lower: number, upper: number): RuleMoments {
  if (deviation === 0) return { mean, deviation };
  const [from, to] = [(lower - mean) / deviation, (upper - mean) / deviation];
  if (from <= -REACH && to >= REACH) return { mean, deviation };
  const likeliest = Math.min(Math.max(0, from), to);
  // The density, over that of the likeliest value, by the distance x from it; beyond this interval it is nothing.
  const far = REACH ** 2 / (Math.sqrt(likeliest ** 2 + REACH ** 2) + Math.abs(likeliest));
  const start = Math.max(from - likeliest, likeliest > 0 ? 0 : likeliest < 0 ? -far : -REACH);
  const end = Math.min(to - likeliest, likeliest < 0 ? 0 : likeliest > 0 ? far : REACH);
  const half = (end - start) / PANELS / 2;
  let [all, first, second] = [0, 0, 0];
  for (let panel = 0; panel < PANELS; panel++) {
    for (const [point, weight] of POINTS) {
      const x = start + (2 * panel + 1 + point) * half;
      const mass = weight * Math.exp(-x * (x / 2 + likeliest));
      all += mass;
      first += mass * x;
      second += mass * x * x;
    }
  }
  const centre = first / all;
  return {
    mean: mean + deviation * (likeliest + centre),
    deviation: deviation * Math.sqrt(Math.max(0, second / all - centre ** 2)),
  };
}

/** Of a function of a number that is uniform between 0 and 1, by this many quantiles. */
const QUANTILES = 128;

function momentsOfQuantiles(
  quantile: (u: number) => number,
  transform: FillFunction | undefined,
): RuleMoments {
  const value = transformed(transform, quantile);
  const values = Array.from({ length: QUANTILES }, (_, index) => value((index + 0.5) / QUANTILES));
  const mean = values.reduce((sum, one) => sum + one, 0) / QUANTILES;
  const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / QUANTILES);
  return { mean, deviation };
}
