/** The part of docs/performance.md that is made of bench/results/soak.json. */

import { slopeError, slopeOf, type Point } from './regression';
import type { SoakRest, SoakResults, SoakSample, SoakSlope } from './soak-results';
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
      ['slope of resident memory', 'bar', 'measured', ''],
      [
        row('at rest, garbage collected', results.restSlope),
        row('the lowest of each minute', results.floorSlope),
        row('all samples', results.slope),
        row('of no file, at rest', results.anonymousRestSlope),
        row('of no file, all samples', results.anonymousSlope),
        row('of no file, at rest, second half of the time', laterSlope(results, 'anonymous')),
        row('heap of the main thread, at rest, second half', laterSlope(results, 'heapUsed')),
      ],
    ),
    'Pages of files (the programs and the models) come and go as the machine needs memory elsewhere, by tens of megabytes; what is of ' +
      'no file is what the service itself allocates. What it keeps for later calls (plans, answers, buffers, each up to a bound) fills up for ' +
      'half an hour. A slope is not decided where the bar lies within its standard error.',
    `At ${results.rests.length} moments the callers rested, and the server held, after it had collected its garbage, ` +
      `${results.rests.map(({ resident }) => (resident / 1e6).toFixed(0)).join(', ')} MB. While they call:`,
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

function row(name: string, { bytesPerHour, standardError }: SoakSlope): string[] {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const isDecided = Math.abs(bytesPerHour - BAR) > standardError;
  const verdict = !isDecided ? 'not decided' : bytesPerHour < BAR ? 'met' : '**missed**';
  return [
    name,
    `below ${mb(BAR)} MB an hour`,
    `${mb(bytesPerHour)} ± ${mb(standardError)} MB an hour`,
    verdict,
  ];
}

/** Through the rests of the second half. */
function laterSlope({ rests, seconds }: SoakResults, of: 'anonymous' | 'heapUsed'): SoakSlope {
  const points = rests
    .filter((rest: SoakRest) => rest.seconds > seconds / 2)
    .map((rest): Point => ({ x: rest.seconds / 3600, y: rest[of] }));
  return { bytesPerHour: slopeOf(points), standardError: slopeError(points, points.length) };
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
