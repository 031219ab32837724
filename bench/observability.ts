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
import { differenceOf, ratioOf, sumOf, type Estimate } from './paired';
import { startClient, startService, threadSeconds, type RunningServer } from './processes';

const SCRAPE_MS = 5000;
const SMALL_CALLS = 50;

/** In each of which a server that has nothing else to do has its metrics read once. */
const IDLE_ROUNDS = 36;

/** Of the default size. */
const CHUNK_BYTES = 2 ** 20;

const STEPS = 1_000_000;
const STARTS = 5;

/** Of small calls to each for one large prediction. */
const SMALL_TURNS = 4;
const METRICS = '127.0.0.1:19464';

interface Candidate {
  readonly name: 'with' | 'without';
  readonly server: RunningServer;
  bytes: number;
  readonly large: number[];
  readonly small: number[];
  readonly idle: number[];
  /** How long the large predictions took. */
  readonly seconds: number[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

/** The server's processor seconds for a prediction of half a gigabyte. */
async function large(candidate: Candidate, client: ReturnType<typeof startClient>): Promise<number> {
  const { server } = candidate;
  const before = threadSeconds(server.pid);
  const started = performance.now();
  const { bytes } = await client.perform({ kind: 'unchecked', target: server.target, request: LARGE });
  candidate.bytes = bytes;
  candidate.seconds.push((performance.now() - started) / 1000);
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

/** The server's processor seconds in a second without calls, in which its metrics are read as often as ever. */
async function idle({ server, name }: Pick<Candidate, 'server' | 'name'>): Promise<number> {
  const before = threadSeconds(server.pid);
  const started = performance.now();
  if (name === 'with') await scrape();
  await new Promise((resolve) => setTimeout(resolve, SCRAPE_MS));
  return (threadSeconds(server.pid) - before) / ((performance.now() - started) / 1000);
}

async function scrape(): Promise<void> {
  const response = await fetch(`http://${METRICS}/metrics`);
  await response.text();
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
  /** Of large predictions, with over without, less one: of the whole, which wavers by more than what is looked for. */
  readonly whole: Estimate;
  /** The same by what it is made of, each measured where little else is: what decides. */
  readonly byParts: Omit<Estimate, 'spread'>;
  /** Shares of the prediction's processor time. */
  readonly parts: {
    /** The beginning and the end of a call, and its line in the log. */
    readonly call: Estimate;
    /** What is counted of its chunks. */
    readonly chunks: number;
    /** What goes on while it lasts: clocks, and the reading of the metrics. */
    readonly meanwhile: Estimate;
  };
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
  const told = [...flags, '--metrics-address', METRICS];
  const untold = [...flags, '--metrics-address', 'off'];
  const withBytes = await residentBytes(build, told);
  const withoutBytes = await residentBytes(baseline, untold);
  const ours = candidate('with', await startService(build, BUNDLE, told));
  const theirs = candidate('without', await startService(baseline, BUNDLE, untold));
  const client = startClient();
  const scraping = setInterval(() => {
    scrape().catch(console.error);
  }, SCRAPE_MS);
  // The first round warms.
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    for (const one of order) one.large.push(await large(one, client));
    for (let turn = 0; turn < SMALL_TURNS; turn++) for (const one of order) one.small.push(await small(one));
    const took = order.map(({ name, large: taken }) => `${name} ${taken.at(-1)?.toFixed(3)} s`);
    say(`overhead, round ${round}: ${took.join(', ')}`);
    if (round === 0) for (const one of order) forget(one);
  }
  clearInterval(scraping);
  for (let round = 0; round < IDLE_ROUNDS; round++) {
    const both = [ours, theirs].map(async (one) => one.idle.push(await idle(one)));
    await Promise.all(both);
  }
  await Promise.all([client.stop(), ours.server.stop(), theirs.server.stop()]);
  const secondsOf = ({ large: whole, small: call }: Candidate) => ({
    largePrediction: spreadOf(whole),
    smallCall: spreadOf(call),
  });
  const base = median(theirs.large);
  const share = (seconds: Estimate, times = 1): Estimate => scaled(seconds, times / base);
  const ratio = ratioOf(ours.large, theirs.large);
  const parts = {
    call: share(differenceOf(ours.small, theirs.small)),
    chunks: (secondsOfChunk() * (ours.bytes / CHUNK_BYTES)) / base,
    meanwhile: share(differenceOf(ours.idle, theirs.idle), median(theirs.seconds)),
  };
  return {
    rounds,
    bytes: ours.bytes,
    processorSeconds: { with: secondsOf(ours), without: secondsOf(theirs) },
    whole: { ...ratio, median: ratio.median - 1 },
    byParts: sumOf([parts.call, { median: parts.chunks, margin: 0 }, parts.meanwhile]),
    parts,
    residentBytes: { with: withBytes, without: withoutBytes, difference: withBytes - withoutBytes },
  };
}

function candidate(name: Candidate['name'], server: RunningServer): Candidate {
  return { name, server, bytes: 0, large: [], small: [], idle: [], seconds: [] };
}

function forget({ large: whole, small: calls, seconds }: Candidate): void {
  for (const taken of [whole, calls, seconds]) taken.length = 0;
}

function scaled({ median: middle, margin, spread: { min, max } }: Estimate, by: number): Estimate {
  return {
    median: middle * by,
    margin: margin * by,
    spread: { median: middle * by, min: min * by, max: max * by },
  };
}
