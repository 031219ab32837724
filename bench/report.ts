/** `npm run bench:report`: docs/performance.md from the files in bench/results. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spread } from '../src/cli/output/statistics';
import { barsOf } from './bars';
import { faultsSection } from './fault-report';
import type { FaultResults } from './fault-results';
import type { Results, Way } from './results';
import { coreSections } from './core-report';
import { moduleSection, type ModuleResults } from './module-report';
import { soakSection } from './soak-report';
import { securitySection } from './security-report';
import type { SecurityResults } from './security-results';
import type { SoakResults } from './soak-results';
import { megabytes, table } from './tables';

const ROOT = join(__dirname, '..');
const RESULTS = join(ROOT, 'bench', 'results', 'performance.json');
const FAULTS = join(ROOT, 'bench', 'results', 'faults.json');
const MODULE = join(ROOT, 'bench', 'results', 'into-module.json');
const SECURITY = join(ROOT, 'bench', 'results', 'security.json');
const SOAK = join(ROOT, 'bench', 'results', 'soak.json');
const NOTES = join(ROOT, 'bench', 'notes.md');
const DOCUMENT = join(ROOT, 'docs', 'performance.md');

/** The document: the figures, and after them what was tried and what limits them (`bench/notes.md`). */
export function performanceDocument(
  results: Results,
  module: ModuleResults,
  faults: FaultResults,
  soak: SoakResults | undefined,
  security: SecurityResults | undefined,
  notes: string,
): string {
  const { machine, throughput, latency, concurrency, growth, cores, herd } = results;
  const { model } = machine;
  return [
    '# Performance',
    '<!-- Made of bench/results/performance.json, into-module.json, faults.json, soak.json and security.json, and of bench/notes.md by `npm run bench:report`; do not edit. -->',
    `Measured on ${machine.date} by \`npm run bench\` (${throughput.rounds} rounds, medians with the least and the most in brackets) on ` +
      `${machine.cores} cores of ${machine.processor}, ${gigabytes(machine.memoryBytes)} of memory, all processes on that machine, over loopback: ` +
      `Node.js ${machine.node}, grpc-js ${machine.grpc}, onnxruntime-node ${machine.onnxruntime}, the service at ${machine.commit}. ` +
      `The hypernetwork is \`${model.name}\` of the paper's Tiny size: its weights are random, since they do not matter here, its rank is ${model.rank}. ` +
      'The machine is a virtual one whose neighbours come and go; ratios within a round say more than seconds.',
    '## Bars',
    table(
      ['', 'bar', 'measured', ''],
      barsOf(results).map(({ what, bar, measured, isMet }) => [
        what,
        bar,
        measured,
        isMet ? 'met' : '**missed**',
      ]),
    ),
    `## ${throughput.architecture}, in every way`,
    `${megabytes(throughput.denseBytes)} of parameters into the client's memory, one stream, chunks of 1 MiB. ` +
      'The ceiling is grpc-js alone, moving as many bytes from one prepared buffer to a client that checks nothing.',
    table(
      ['', 'on the wire', 'seconds', 'times dense', 'server CPU s', 'client CPU s', 'server peak'],
      waysOf(results).map(([name, way]) => [
        name,
        megabytes(way.bytes),
        spread(way.seconds, 2),
        spread(way.timesDense, 2),
        way.serverCpuSeconds.median.toFixed(2),
        way.clientCpuSeconds.median.toFixed(2),
        megabytes(way.serverPeakBytes),
      ]),
    ),
    `The same hypernetwork in PyTorch ${throughput.naive.torch}, in one process and as published code goes about it ` +
      `(\`python/bench/naive_predict.py\`): ${spread(throughput.naive.seconds, 2)} s, ${megabytes(throughput.naive.peakBytes)} at its peak.`,
    moduleSection(module),
    '## Latency',
    table(
      ['milliseconds', 'network not met before', 'again'],
      [
        [
          `${latency.architecture}, first chunk`,
          spread(latency.firstChunkNewMs, 0),
          spread(latency.firstChunkRepeatedMs, 0),
        ],
        [
          `${latency.tinyArchitecture}, whole`,
          spread(latency.wholeNewMs, 0),
          spread(latency.wholeRepeatedMs, 0),
        ],
      ],
    ),
    `## Streams at a time, of ${concurrency[0]?.architecture ?? ''}`,
    table(
      ['streams', 'all together, MB/s', 'first chunk, ms', 'health p50, ms', 'health p99, ms', 'server peak'],
      concurrency.map((entry) => [
        String(entry.streams),
        spread(entry.megabytesPerSecond, 0),
        spread(entry.firstChunkMs, 0),
        entry.healthP50Ms.toFixed(0),
        entry.healthP99Ms.toFixed(0),
        megabytes(entry.serverPeakBytes),
      ]),
    ),
    '![Streams at a time](images/performance-streams.svg)',
    '## Growth',
    table(
      ['', 'parameters', 'seconds', 'server peak', 'client peak'],
      growth.points.map((point) => [
        point.architecture,
        `${(point.parameters / 1e6).toFixed(1)} million`,
        spread(point.seconds, 2),
        megabytes(point.serverPeakBytes),
        megabytes(point.clientPeakBytes),
      ]),
    ),
    `A line through the medians: ${growth.secondsPerBillion.toFixed(2)} s for a billion parameters, r² = ${growth.rSquared.toFixed(4)}.`,
    '![Time and memory against parameters](images/performance-growth.svg)',
    ...(cores === undefined || herd === undefined ? [] : coreSections(cores, herd)),
    faultsSection(faults),
    ...(soak === undefined ? [] : [soakSection(soak)]),
    ...(security === undefined ? [] : [securitySection(security)]),
    notes.trim(),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Undefined before the first run. */
export function securityResults(): SecurityResults | undefined {
  return existsSync(SECURITY) ? (JSON.parse(readFileSync(SECURITY, 'utf8')) as SecurityResults) : undefined;
}

/** Undefined before the first soak. */
export function soakResults(): SoakResults | undefined {
  return existsSync(SOAK) ? (JSON.parse(readFileSync(SOAK, 'utf8')) as SoakResults) : undefined;
}

function waysOf({ throughput }: Results): [string, Way][] {
  const { ceiling, dense, unchecked, f16, bf16, factors, core } = throughput;
  return [
    ['ceiling', ceiling],
    ['dense, float32', dense],
    ['dense, float32, without the checks of the client', unchecked],
    ['dense, float16', f16],
    ['dense, bfloat16', bf16],
    ['factors, expanded', factors],
    ['cores, expanded', core],
  ];
}

function spread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(0)} GiB`;
}

if (require.main === module) {
  const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
  const module = JSON.parse(readFileSync(MODULE, 'utf8')) as ModuleResults;
  const faults = JSON.parse(readFileSync(FAULTS, 'utf8')) as FaultResults;
  writeFileSync(
    DOCUMENT,
    performanceDocument(
      results,
      module,
      faults,
      soakResults(),
      securityResults(),
      readFileSync(NOTES, 'utf8'),
    ),
  );
}
