/** The part of docs/performance.md that is made of bench/results/soak.json. */

import { slopeError, slopeOf, type Point } from './regression';
import type { SoakRest, SoakResults, SoakSample } from './soak-results';
import { megabytes, table } from './tables';

const BAR = 2e6;
/** Rows of the table of memory over time. */
const ROWS = 12;

/** What memory does in an hour of callers of every kind. */
export function soakSection(results: SoakResults): string {
  const { date, processor, cores, node, commit, load, seconds, warmUpSeconds, rounds, statuses, errors } =
    results;
  const fuzzed = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  const failed = Object.values(results.failures).reduce((sum, count) => sum + count, 0);
  const rested = results.rests.filter(({ seconds: at }) => at > warmUpSeconds);
  const whole = answeredWhole(rested);
  const minutes = (value: number): string => `${(value / 60).toFixed(0)} min`;
  return [
    '## Everything at once',
    `Measured on ${date} by \`npm run soak\` for ${minutes(seconds)} on ${cores} cores of ${processor}, Node.js ${node}, the service at ` +
      `${commit}; the first ${minutes(warmUpSeconds)} are warm-up. Other work kept the machine busy (its load was ${load[0].toFixed(0)} to ` +
      `${load[1].toFixed(0)}). At the same time, one after the other of each kind: ` +
      `${Object.entries(rounds)
        .map(([name, count]) => `${name} (${count})`)
        .join(
          ', ',
        )} rounds, of which ${failed} failed. ${fuzzed} fuzzed requests ended as ${counted(statuses)}. ` +
      `The log had ${errors} errors. The longest stall of the thread that speaks gRPC was ${results.longestStallMs.toFixed(0)} ms, after the ` +
      `warm-up ${stallAfter(results).toFixed(0)} ms. glibc's allocator was set as in the container image ` +
      `(${Object.entries(results.environment)
        .map(([name, value]) => `\`${name}=${value}\``)
        .join(', ')}).`,
    table(
      ['what grows', 'bar', 'an hour', ''],
      [
        row('what it holds, without the buffers of kept answers', through(whole, held)),
        row('of that, what the allocator has handed out', through(whole, handedOut)),
        row(
          'of that, the heaps of all threads',
          through(whole, ({ threads }) => threads.heapUsed),
        ),
        row('buffers', through(whole, buffers)),
        row(
          'resident, free pages given back',
          through(rested, ({ trimmed }) => trimmed.resident),
        ),
        row(
          'resident',
          through(rested, ({ resident }) => resident),
        ),
        row('resident, all samples', throughSamples(results)),
      ],
    ),
    'All but the last row is of moments at which nobody calls, after all threads have collected their garbage. Then glibc says what it has ' +
      'handed out and not got back (`bench/allocator-probe.c`), and gives back the pages that are free: what is resident beyond what the ' +
      'service holds depends on the order of the calls before. ' +
      `Of ${rested.length} such moments after the warm-up, ${whole.length} count for the first four rows: at the others a thread was too busy to say in time what it holds. ` +
      'The first row is what a leak would show in, and the only one that is exact enough for the bar. Kept answers ' +
      `have ${megabytes(results.cacheBytes)} for each of their stores, which are full when the warm-up ends, and what they hold comes and goes with the ` +
      'calls. A slope is not decided where the bar lies within its standard error.',
    `What it held, in MB: ${answeredWhole(results.rests)
      .map((rest) => (held(rest) / 1e6).toFixed(1))
      .join(', ')}. ` + 'Resident while they call:',
    table(
      ['', 'resident, median', 'least', 'most', 'heap of the main thread, median'],
      parts(results.samples).map((part) => [
        `${minutes(part[0]?.seconds ?? 0)} to ${minutes(part.at(-1)?.seconds ?? 0)}`,
        megabytes(median(part.map(({ resident }) => resident))),
        megabytes(Math.min(...part.map(({ resident }) => resident))),
        megabytes(Math.max(...part.map(({ resident }) => resident))),
        megabytes(median(part.map(({ heapUsed }) => heapUsed))),
      ]),
    ),
  ].join('\n\n');
}

/** A slope in bytes an hour, and its standard error. */
interface Slope {
  readonly perHour: number;
  readonly error: number;
}

function row(name: string, { perHour, error }: Slope): string[] {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const isDecided = Math.abs(perHour - BAR) > error;
  const verdict = !isDecided ? 'not decided' : perHour < BAR ? 'met' : '**missed**';
  return [name, `below ${mb(BAR)} MB`, `${mb(perHour)} ± ${mb(error)} MB`, verdict];
}

const handedOut = ({ allocated, threads }: SoakRest): number => allocated - threads.arrayBuffers;

const held = (rest: SoakRest): number => handedOut(rest) + rest.threads.heapUsed;

const buffers = ({ threads }: SoakRest): number => threads.arrayBuffers;

/** Those at which every thread said in time what it holds: of one that did not, buffers would be taken for something else. */
function answeredWhole(rests: readonly SoakRest[]): SoakRest[] {
  const threads = Math.max(...rests.map((rest) => rest.threads.count));
  return rests.filter((rest) => rest.threads.count === threads);
}

function through(rests: readonly SoakRest[], of: (rest: SoakRest) => number): Slope {
  const points = rests.map((rest): Point => ({ x: rest.seconds / 3600, y: of(rest) }));
  return { perHour: slopeOf(points), error: slopeError(points, points.length) };
}

/** Through all samples after the warm-up; the error is that of ten blocks of them, since neighbours go together. */
function throughSamples({ samples, warmUpSeconds }: SoakResults): Slope {
  const points = samples
    .filter(({ seconds }) => seconds > warmUpSeconds)
    .map(({ seconds, resident }): Point => ({ x: seconds / 3600, y: resident }));
  return { perHour: slopeOf(points), error: slopeError(points) };
}

function stallAfter({ samples, warmUpSeconds }: SoakResults): number {
  return Math.max(...samples.filter(({ seconds }) => seconds > warmUpSeconds).map(({ stallMs }) => stallMs));
}

function counted(statuses: SoakResults['statuses']): string {
  return Object.entries(statuses)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} (${count})`)
    .join(', ');
}

function parts(samples: readonly SoakSample[]): SoakSample[][] {
  const size = Math.ceil(samples.length / ROWS);
  return Array.from({ length: ROWS }, (_, part) => samples.slice(part * size, (part + 1) * size)).filter(
    ({ length }) => length > 0,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
