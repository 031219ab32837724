/** What is counted of a tensor's elements, a run of them at a time; tallies of runs join to that of the whole. */

import { joinMoments, type Moments } from '../moments';

/** The bins of a histogram: `bins` of equal width from `low` to `high`. */
export interface BinRange {
  readonly low: number;
  readonly high: number;
}

/** A matrix [rows, columns] reduced to `cellRows` times `cellColumns` cells, at most one for each element. */
export interface CellGrid {
  readonly rows: number;
  readonly columns: number;
  readonly cellRows: number;
  readonly cellColumns: number;
}

/** What to count. */
export interface TallyRequest {
  /** Number of bins; 0: no histogram. */
  readonly bins: number;
  /** Undefined: from the smallest of the elements given to the largest. */
  readonly range: BinRange | undefined;
  readonly grid: CellGrid | undefined;
}

/** Counts of a histogram. */
export interface Bins extends BinRange {
  readonly counts: Float64Array;
  readonly below: number;
  readonly above: number;
}

/** Cells of whole rows of a grid, from row `first` on. */
export interface Cells {
  readonly first: number;
  readonly sums: Float64Array;
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
}

/** Of one or more elements. */
export interface Tally {
  readonly moments: Moments;
  readonly minimum: number;
  readonly maximum: number;
  readonly zeros: number;
  readonly bins: Bins | undefined;
  readonly cells: Cells | undefined;
}

/** Tallies a run of at least one element, the first of which is element `first` of the matrix, row-major. */
export function tallyOf(values: Float32Array, first: number, { bins, range, grid }: TallyRequest): Tally {
  const extremes = extremesOf(values);
  const { minimum: low, maximum: high } = extremes;
  return {
    ...extremes,
    moments: momentsOf(values),
    bins: bins === 0 ? undefined : binned(values, bins, range ?? { low, high }),
    cells: grid && cellsOf(values, first, grid),
  };
}

/** The tally of two runs together; histograms must have the same range. */
export function joinTallies(one: Tally, other: Tally): Tally {
  return {
    moments: joinMoments(one.moments, other.moments),
    minimum: Math.min(one.minimum, other.minimum),
    maximum: Math.max(one.maximum, other.maximum),
    zeros: one.zeros + other.zeros,
    bins: one.bins && other.bins && joinBins(one.bins, other.bins),
    cells: undefined,
  };
}

/** Adds cells to those of a whole grid, which begin as `emptyCells`. */
export function addCells(all: Cells, part: Cells, cellColumns: number): void {
  const offset = (part.first - all.first) * cellColumns;
  for (let index = 0; index < part.sums.length; index++) {
    const at = offset + index;
    all.sums[at] = (all.sums[at] as number) + (part.sums[index] as number);
    all.minima[at] = Math.min(all.minima[at] as number, part.minima[index] as number);
    all.maxima[at] = Math.max(all.maxima[at] as number, part.maxima[index] as number);
  }
}

/** `rows` rows of cells without elements, from row `first` on. */
export function emptyCells(first: number, rows: number, cellColumns: number): Cells {
  const count = rows * cellColumns;
  return {
    first,
    sums: new Float64Array(count),
    minima: new Float32Array(count).fill(Infinity),
    maxima: new Float32Array(count).fill(-Infinity),
  };
}

/** The first entry, of `entries`, that lies in cell `cell` of `cells`. */
export function firstEntry(cell: number, entries: number, cells: number): number {
  return Math.ceil((cell * entries) / cells);
}

function extremesOf(values: Float32Array): Pick<Tally, 'minimum' | 'maximum' | 'zeros'> {
  let minimum = Infinity;
  let maximum = -Infinity;
  let zeros = 0;
  for (const value of values) {
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    if (value === 0) zeros++;
  }
  return { minimum, maximum, zeros };
}

/** Twice over the elements: a sum of squares less the square of a sum would lose digits. */
function momentsOf(values: Float32Array): Moments {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return { count: values.length, mean, squares };
}

function binned(values: Float32Array, bins: number, { low, high }: BinRange): Bins {
  const counts = new Float64Array(bins);
  const perUnit = high > low ? bins / (high - low) : 0;
  let below = 0;
  let above = 0;
  for (const value of values) {
    if (value < low) below++;
    else if (value > high) above++;
    else {
      // What equals `high` belongs to the last bin; so does what rounding puts behind it.
      const bin = Math.min(bins - 1, Math.floor((value - low) * perUnit));
      counts[bin] = (counts[bin] as number) + 1;
    }
  }
  return { low, high, counts, below, above };
}

function joinBins(one: Bins, other: Bins): Bins {
  const counts = one.counts.map((count, bin) => count + (other.counts[bin] as number));
  return { ...one, counts, below: one.below + other.below, above: one.above + other.above };
}

function cellsOf(values: Float32Array, first: number, grid: CellGrid): Cells {
  const { rows, columns, cellRows, cellColumns } = grid;
  const cellRowOf = (row: number): number => Math.floor((row * cellRows) / rows);
  const lastRow = Math.floor((first + values.length - 1) / columns);
  const top = cellRowOf(Math.floor(first / columns));
  const cells = emptyCells(top, cellRowOf(lastRow) - top + 1, cellColumns);
  for (let at = 0; at < values.length;) {
    const row = Math.floor((first + at) / columns);
    const column = first + at - row * columns;
    const cell = Math.floor((column * cellColumns) / columns);
    const end = Math.min(firstEntry(cell + 1, columns, cellColumns) - column + at, values.length);
    addRun(cells, (cellRowOf(row) - top) * cellColumns + cell, values, at, end);
    at = end;
  }
  return cells;
}

function addRun(
  { sums, minima, maxima }: Cells,
  cell: number,
  values: Float32Array,
  from: number,
  to: number,
): void {
  let sum = sums[cell] as number;
  let minimum = minima[cell] as number;
  let maximum = maxima[cell] as number;
  for (let index = from; index < to; index++) {
    const value = values[index] as number;
    sum += value;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  sums[cell] = sum;
  minima[cell] = minimum;
  maxima[cell] = maximum;
}
