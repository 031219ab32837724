/** Rules that fill what no hypernetwork predicts, as `Initialization` in the contract has them. */

/** What is done to each element that a rule makes. */
export type FillFunction = 'log' | 'inverse_softplus';

interface Transformed {
  /** Undefined: nothing is done to the elements. */
  readonly function?: FillFunction | undefined;
}

/** A rule and its numbers, in units of the parameter. */
export type Filling =
  | { readonly rule: 'zeros' | 'ones' | 'normal' | 'truncated_normal'; readonly standardDeviation: number }
  | { readonly rule: 'constant'; readonly value: number }
  /** Between -bound and bound. */
  | { readonly rule: 'uniform'; readonly bound: number }
  | { readonly rule: 'shifted_normal'; readonly mean: number; readonly standardDeviation: number }
  /** Normal, truncated to [lower, upper]. */
  | ({ readonly rule: 'bounded_normal' } & Interval & {
        readonly mean: number;
        readonly standardDeviation: number;
      })
  | ({ readonly rule: 'uniform_between' } & Interval & Transformed)
  /** The logarithm is uniform; at least `least`. */
  | ({ readonly rule: 'log_uniform'; readonly least: number } & Interval & Transformed)
  /** Column k of every row is start + k * step. */
  | ({ readonly rule: 'sequence'; readonly start: number; readonly step: number } & Transformed)
  | { readonly rule: 'identity' }
  | SinusoidFilling
  | OrthogonalFilling;

/** Orthonormal rows or columns, whichever are fewer, times `gain`; of built-in starts alone, not in the contract. */
export interface OrthogonalFilling {
  readonly rule: 'orthogonal';
  readonly gain: number;
  readonly block: MatrixBlock;
}

/** A block as a matrix: the parameter's shape, where in it the block lies, and which dimensions are the rows. */
export interface MatrixBlock {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly start: number;
  readonly length: number;
  /** Entries along the axis after which the block comes again, with draws of its own. */
  readonly period: number;
  /** Dimensions that count the rows, and those that count the columns; slowest first. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** Sines and cosines of (start + row) * base^(-j / divisor). */
export interface SinusoidFilling {
  readonly rule: 'sinusoids';
  readonly start: number;
  readonly base: number;
  readonly divisor: number;
  /** In even and odd columns; otherwise sines in the first half. */
  readonly interleaved: boolean;
}

interface Interval {
  readonly lower: number;
  readonly upper: number;
}

export type Rule = Filling['rule'];

/** The rules of the contract. */
export type ContractRule = Exclude<Rule, 'orthogonal'>;

/** The numbers of a rule, all of them, in a fixed order: two fillings that are alike fill alike. */
export function fillingNumbers(filling: Filling): readonly number[] {
  switch (filling.rule) {
    case 'zeros':
    case 'ones':
    case 'normal':
    case 'truncated_normal':
      return [filling.standardDeviation];
    case 'constant':
      return [filling.value];
    case 'uniform':
      return [filling.bound];
    case 'shifted_normal':
      return [filling.mean, filling.standardDeviation];
    case 'bounded_normal':
      return [filling.mean, filling.standardDeviation, filling.lower, filling.upper];
    case 'uniform_between':
      return [filling.lower, filling.upper, functionNumber(filling)];
    case 'log_uniform':
      return [filling.lower, filling.upper, filling.least, functionNumber(filling)];
    case 'sequence':
      return [filling.start, filling.step, functionNumber(filling)];
    case 'identity':
      return [];
    case 'sinusoids':
      return [filling.start, filling.base, filling.divisor, Number(filling.interleaved)];
    case 'orthogonal': {
      const { shape, axis, start, length, period, rows, columns } = filling.block;
      return [filling.gain, axis, start, length, period, rows.length, ...rows, ...columns, ...shape];
    }
  }
}

/** Whether elements differ with the seed. */
export function isRandom(filling: Filling): boolean {
  switch (filling.rule) {
    case 'zeros':
    case 'ones':
    case 'constant':
    case 'sequence':
    case 'identity':
    case 'sinusoids':
      return false;
    case 'normal':
    case 'truncated_normal':
    case 'shifted_normal':
    case 'bounded_normal':
      return filling.standardDeviation > 0;
    case 'uniform':
      return filling.bound > 0;
    case 'orthogonal':
      return filling.gain !== 0;
    case 'uniform_between':
    case 'log_uniform':
      return true;
  }
}

const FUNCTION_NUMBERS = { log: 1, inverse_softplus: 2 } as const satisfies Record<FillFunction, number>;

function functionNumber({ function: transform }: Transformed): number {
  return transform === undefined ? 0 : FUNCTION_NUMBERS[transform];
}

/** What is wrong with a filling of a parameter of `dimensions` dimensions: the contract's field, and what is allowed. */
export interface FillingFault {
  readonly field: string;
  readonly description: string;
}

/** The first fault; undefined: none. */
export function fillingFault(filling: Filling, dimensions: number): FillingFault | undefined {
  switch (filling.rule) {
    case 'zeros':
    case 'ones':
    case 'normal':
    case 'truncated_normal':
      return deviationFault(filling.standardDeviation);
    case 'constant':
      return float32Fault('value', filling.value);
    case 'uniform':
      return filling.bound >= 0 && isFloat32(filling.bound)
        ? undefined
        : must('bound', 'at least 0 and finite in float32', filling.bound);
    case 'shifted_normal':
      return float32Fault('mean', filling.mean) ?? deviationFault(filling.standardDeviation);
    case 'bounded_normal':
      return (
        float32Fault('mean', filling.mean) ??
        deviationFault(filling.standardDeviation) ??
        intervalFault(filling) ??
        meanFault(filling)
      );
    case 'uniform_between':
      return intervalFault(filling) ?? domainFault(filling.lower, filling);
    case 'log_uniform':
      return (
        (filling.lower > 0 ? undefined : must('lower', 'above 0', filling.lower)) ??
        intervalFault(filling) ??
        (filling.least >= 0 && isFloat32(filling.least)
          ? undefined
          : must('least', 'at least 0 and finite in float32', filling.least))
      );
    case 'sequence':
      return (
        float32Fault('start', filling.start) ?? float32Fault('step', filling.step) ?? sequenceFault(filling)
      );
    case 'identity':
      return dimensionsFault('RULE_IDENTITY', dimensions);
    case 'sinusoids':
      return (
        dimensionsFault('RULE_SINUSOIDS', dimensions) ??
        float32Fault('start', filling.start) ??
        positiveFault('base', filling.base) ??
        positiveFault('divisor', filling.divisor)
      );
    case 'orthogonal':
      return dimensionsFault('orthogonal', dimensions) ?? float32Fault('gain', filling.gain);
  }
}

function isFloat32(number: number): boolean {
  return Number.isFinite(Math.fround(number));
}

function must(field: string, allowed: string, came: number): FillingFault {
  return { field, description: `must be ${allowed}, not ${came}` };
}

function float32Fault(field: string, number: number): FillingFault | undefined {
  return isFloat32(number) ? undefined : must(field, 'finite in float32', number);
}

function positiveFault(field: string, number: number): FillingFault | undefined {
  return number > 0 && isFloat32(number) ? undefined : must(field, 'above 0 and finite in float32', number);
}

function deviationFault(number: number): FillingFault | undefined {
  return Number.isFinite(number) && number >= 0
    ? undefined
    : must('standard_deviation', 'a finite number of at least 0', number);
}

function intervalFault({ lower, upper }: Interval): FillingFault | undefined {
  const wrong = float32Fault('lower', lower) ?? float32Fault('upper', upper);
  return wrong ?? (upper > lower ? undefined : must('upper', `above lower, ${lower}`, upper));
}

/** Without a deviation, all elements are the mean, which must lie between the bounds. */
function meanFault(
  filling: Interval & { mean: number; standardDeviation: number },
): FillingFault | undefined {
  const { mean, standardDeviation, lower, upper } = filling;
  return standardDeviation > 0 || (mean >= lower && mean <= upper)
    ? undefined
    : must('mean', `between ${lower} and ${upper} where standard_deviation is 0`, mean);
}

/** Both functions take positive numbers alone. */
function domainFault(lower: number, { function: transform }: Transformed): FillingFault | undefined {
  return transform === undefined || lower >= 0
    ? undefined
    : must('lower', 'at least 0 with a function', lower);
}

function sequenceFault({
  start,
  step,
  ...filling
}: Transformed & { start: number; step: number }): FillingFault | undefined {
  if (filling.function === undefined) return undefined;
  if (!(start > 0)) return must('start', 'above 0 with a function', start);
  return step >= 0 ? undefined : must('step', 'at least 0 with a function', step);
}

function dimensionsFault(rule: string, dimensions: number): FillingFault | undefined {
  return dimensions >= 2
    ? undefined
    : { field: 'rule', description: `${rule} needs 2 dimensions or more; the parameter has ${dimensions}` };
}
