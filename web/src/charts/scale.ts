/** Numbers to places, and ticks at round numbers. */

/** Maps a range of numbers to a range of pixels. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** A linear axis from `from` to `to` pixels. */
export function linearAxis(low: number, high: number, from: number, to: number, ticks = 5): Axis {
  const width = high > low ? high - low : 1;
  return {
    low,
    high,
    at: (value) => from + ((value - low) / width) * (to - from),
    ticks: roundTicks(low, high, ticks),
  };
}

/** A logarithmic axis; what is not above zero lies at its beginning. */
export function logAxis(low: number, high: number, from: number, to: number): Axis {
  const [bottom, top] = [Math.log10(low), Math.log10(high)];
  const width = top > bottom ? top - bottom : 1;
  const ticks: number[] = [];
  for (let power = Math.ceil(bottom); power <= Math.floor(top); power++) ticks.push(10 ** power);
  return {
    low,
    high,
    at: (value) => from + ((Math.log10(Math.max(value, low)) - bottom) / width) * (to - from),
    ticks,
  };
}

function roundTicks(low: number, high: number, count: number): readonly number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high; index++) ticks.push(index * step);
  return ticks;
}
