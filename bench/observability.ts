/**
 * What it costs to tell of a server: the same work by this build, with its metrics read all the while and its log of calls,
 * and by a copy of it that counts and logs no call, in turns. A part of `bench/security.ts`.
 */

import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { spreadOf, type Spread } from '../src/cli/output/statistics';
import { CHANNEL_OPTIONS } from '../src/client/link/channel';
import { LogahService } from '../src/contract/service-clients';
import { CallRecord } from '../src/server/telemetry/call-record';
import { Metrics } from '../src/server/telemetry/metrics';
import { StreamClock } from '../src/server/telemetry/stream-clock';
import { residentMemory } from '../test/support/memory';
import { BUNDLE } from '../test/support/parity-fixtures';
import { LARGE, SMALL } from '../test/support/requests';
import { startClient, startService, threadSeconds, type RunningServer } from './processes';

const SCRAPE_MS = 5000;
const SMALL_CALLS = 50;

/** Of the default size. */
const CHUNK_BYTES = 2 ** 20;

const STEPS = 1_000_000;
const STARTS = 5;

interface Candidate {
  readonly name: 'with' | 'without';
  readonly server: RunningServer;
  bytes: number;
  readonly large: number[];
  readonly small: number[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

/** The server's processor seconds for a prediction of half a gigabyte. */
async function large(candidate: Candidate, client: ReturnType<typeof startClient>): Promise<number> {
  const { server } = candidate;
  const before = threadSeconds(server.pid);
  const { bytes } = await client.perform({ kind: 'unchecked', target: server.target, request: LARGE });
  candidate.bytes = bytes;
  return threadSeconds(server.pid) - before;
}

/** The server's processor seconds for a small call. */
async function small({ server }: Pick<Candidate, 'server'>): Promise<number> {
  const stub = new LogahService(server.target, credentials.createInsecure(), CHANNEL_OPTIONS);
  const before = threadSeconds(server.pid);
  for (let call = 0; call < SMALL_CALLS; call++) {
    await new Promise((resolve, reject) => {
      stub.Predict(SMALL).on('error', reject).on('end', resolve).resume();
    });
  }
  stub.close();
  return (threadSeconds(server.pid) - before) / SMALL_CALLS;
}

/** Resident memory of servers that have answered a few calls, of which the median is told: a collector has its moods. */
async function residentBytes(build: string, flags: readonly string[]): Promise<number> {
  const readings: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const server = await startService(build, BUNDLE, flags);
    await small({ server });
    readings.push(residentMemory(server.pid));
    await server.stop();
  }
  return median(readings);
}

/** Seconds that what is counted takes for a chunk, on this thread. */
function secondsOfChunk(): number {
  const metrics = new Metrics(new Set());
  const count = metrics.sending({ representation: 'dense', elementType: 'f32', elementsPerByte: 0.25 });
  const clock = new StreamClock();
  const started = performance.now();
  for (let step = 0; step < STEPS; step++) {
    clock.gotChunk();
    clock.wroteChunk();
    count(1 << 20);
  }
  clock.note(new CallRecord('/'), 0);
  return (performance.now() - started) / 1000 / STEPS;
}

/** What counts and logs calls, without any of it. */
const SILENT: Readonly<Record<string, string>> = {
  'metrics.js': `exports.OTHER_METHOD = 'other';
const nothing = () => undefined;
exports.Metrics = class {
  gauge() {} total() {} info() {} callStarted() {} callEnded() {} callRefused() {} modelLoad() {}
  certificate() {} reloaded() {} refused() {} sending() { return nothing; }
};`,
  'telemetry.js': `const { CallRecord } = require('./call-record');
exports.Telemetry = class {
  constructor(metrics) { this.metrics = metrics; }
  begin(path) { return new CallRecord(path); }
  trace() {} end() {}
};`,
  'stream-clock.js': 'exports.StreamClock = class { gotChunk() {} wroteChunk() {} note() {} };',
  'endpoint.js': '',
};

/** A copy of the compiled build that tells nothing, in a package of its own below `.bench`. */
async function silentBuild(build: string): Promise<string> {
  const root = join(__dirname, '..');
  const bench = join(root, '.bench', 'silent-package');
  const copy = join(bench, 'silent');
  await rm(bench, { recursive: true, force: true });
  await mkdir(bench, { recursive: true });
  await cp(build, copy, { recursive: true });
  for (const name of ['proto', 'package.json', 'models']) {
    await symlink(join(root, name), join(bench, name));
  }
  for (const [name, content] of Object.entries(SILENT)) {
    await writeFile(join(copy, 'server', 'telemetry', name), content);
  }
  return copy;
}

/** What `measureOverhead` finds; seconds are the server's processor time, which is what bounds throughput. */
export interface Overhead {
  readonly rounds: number;
  readonly bytes: number;
  readonly processorSeconds: Readonly<
    Record<'with' | 'without', { readonly largePrediction: Spread; readonly smallCall: Spread }>
  >;
  /** Of large predictions: the median of what `ratio` is of, less one. */
  readonly overhead: number;
  /** Twice the standard error of that median, as far as the rounds differ from each other. */
  readonly margin: number;
  /** With over without, round by round. */
  readonly ratio: Spread;
  /** What the chunks' counting takes, measured alone, as a share of the prediction's processor time. */
  readonly chunkShare: number;
  readonly residentBytes: Readonly<Record<'with' | 'without' | 'difference', number>>;
}

/** Compares many short rounds, since what is looked for is less than what one round differs from the next by. */
export async function measureOverhead(
  build: string,
  rounds: number,
  say: (text: string) => void,
): Promise<Overhead> {
  const baseline = await silentBuild(build);
  const flags = ['--workers', '1'];
  const told = [...flags, '--metrics-address', '127.0.0.1:19464'];
  const untold = [...flags, '--metrics-address', 'off'];
  const withBytes = await residentBytes(build, told);
  const withoutBytes = await residentBytes(baseline, untold);
  const servers = [
    await startService(build, BUNDLE, told),
    await startService(baseline, BUNDLE, untold),
  ] as const;
  const ours: Candidate = { name: 'with', server: servers[0], bytes: 0, large: [], small: [] };
  const theirs: Candidate = { name: 'without', server: servers[1], bytes: 0, large: [], small: [] };
  const client = startClient();
  const scraping = setInterval(() => {
    fetch('http://127.0.0.1:19464/metrics').then((response) => response.text(), console.error);
  }, SCRAPE_MS);
  // The first round warms.
  for (let round = 0; round <= rounds; round++) {
    for (const candidate of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const [whole, call] = [await large(candidate, client), await small(candidate)];
      if (round === 0) continue;
      candidate.large.push(whole);
      candidate.small.push(call);
    }
    say(`overhead, round ${round}: ${last(ours).toFixed(3)} s and ${last(theirs).toFixed(3)} s`);
  }
  clearInterval(scraping);
  await Promise.all([client.stop(), ...servers.map((server) => server.stop())]);
  const secondsOf = ({ large: whole, small: call }: Candidate) => ({
    largePrediction: spreadOf(whole),
    smallCall: spreadOf(call),
  });
  const base = median(theirs.large);
  // Two runs that follow each other have more in common than the medians of all have.
  const ratios = ours.large.map((seconds, index) => seconds / (theirs.large[index] ?? NaN));
  return {
    rounds,
    bytes: ours.bytes,
    processorSeconds: { with: secondsOf(ours), without: secondsOf(theirs) },
    overhead: median(ratios) - 1,
    margin: marginOf(ratios),
    ratio: spreadOf(ratios),
    chunkShare: (secondsOfChunk() * (ours.bytes / CHUNK_BYTES)) / base,
    residentBytes: { with: withBytes, without: withoutBytes, difference: withBytes - withoutBytes },
  };
}

/** Twice the standard error of a median, from the median deviation of values that are about normal. */
function marginOf(values: readonly number[]): number {
  const middle = median(values);
  const deviation = 1.4826 * median(values.map((value) => Math.abs(value - middle)));
  return (2 * 1.2533 * deviation) / Math.sqrt(values.length);
}

function last({ large: whole }: Candidate): number {
  return whole.at(-1) ?? NaN;
}
