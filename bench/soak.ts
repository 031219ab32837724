/**
 * `npm run soak -- [MINUTES] [KINDS]`: callers of every kind at once, good and bad, on one server for an hour, and whether its
 * memory grows; JSON to bench/results/soak.json. The first sixth of the time is warm-up. Every few minutes the callers rest,
 * and the server is looked at without them: what comes and goes with calls is many times what might stay. KINDS, with commas between them,
 * leaves out all others, to see which kind it is that makes memory grow. LOGAH_SOAK_PROXIES names proxies, with commas between
 * them, behind which streams of other servers break meanwhile; those that are not in PATH lie in LOGAH_PROXIES, as for
 * `npm run bench:resume`.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { allocatorEnvironment } from '../test/support/image-environment';
import { anonymousMemory, residentMemory } from '../test/support/memory';
import { startServer, type ServerProcess } from '../test/support/server-process';
import { callersOf, MAX_NODES, MODELS, STALL_SECONDS, type Caller } from './soak-load';
import { breaksBehind } from './soak-proxies';
import type { SoakRest, SoakResults, SoakSample } from './soak-results';
import { allocatorProbe } from './allocator-probe';
import { Turnstile } from './turnstile';

const OUT = process.env.LOGAH_SOAK_RESULTS ?? 'bench/results/soak.json';
const DEFAULT_MINUTES = 60;
const SAMPLE_MS = 5000;
const REST_EVERY_SECONDS = 60;
/**
 * For each of the server's stores of answers, in place of 64 MiB: they are full when the warm-up ends, and what they hold at
 * a moment differs less from what they hold at another.
 */
const CACHE_BYTES = 16 * 2 ** 20;
const SEED = 15;
/** pino's. */
const ERROR_LEVEL = 50;
const PROBE = join(__dirname, '..', 'test', 'support', 'event-loop-probe.cjs');

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  const [minutes = String(DEFAULT_MINUTES), only = ''] = process.argv.slice(2);
  const seconds = Number(minutes) * 60;
  if (!(seconds > 0)) throw new Error(`minutes must be a number above 0, not ${minutes}`);
  const warmUpSeconds = seconds / 6;
  const environment = allocatorEnvironment();
  const allocator = allocatorProbe();
  const server = await startServer({
    models: MODELS,
    flags: [
      ...['--max-nodes', String(MAX_NODES), '--stall-seconds', String(STALL_SECONDS), '--workers', '1'],
      ...['--cache-bytes', String(CACHE_BYTES)],
    ],
    environment: { ...environment, ...allocator.environment, NODE_OPTIONS: `--require ${PROBE}` },
    // Of half a million lines, what the figures need.
    keepsLog: ({ msg, level }) => msg === 'event loop' || msg === 'at rest' || Number(level) >= ERROR_LEVEL,
  });
  void server.exit.then(({ code, signal }) => {
    if (ended.signal.aborted) return;
    say(`the server ended with ${signal ?? String(code)}: ${server.stderr()}`);
    process.exit(1);
  });
  const ended = new AbortController();
  const statuses = new Map<string, number>();
  const rounds: Record<string, number> = {};
  const failures: Record<string, number> = {};
  // Loading the service itself is no stall of those who call.
  await probe(server);
  const proxies = process.env.LOGAH_SOAK_PROXIES;
  const breaks = proxies === undefined ? undefined : await breaksBehind(proxies, process.env.LOGAH_PROXIES);
  const kinds = [
    ...callersOf(server.address, SEED, statuses),
    ...(breaks === undefined ? [] : [breaks.caller]),
  ];
  const wanted = only === '' ? kinds : kinds.filter(({ name }) => only.split(',').includes(name));
  if (wanted.length === 0)
    throw new Error(`no kind of ${only}; there are ${kinds.map(({ name }) => name).join(', ')}`);
  const turnstile = new Turnstile();
  const callers = wanted.map((caller) => keepCalling(caller, turnstile, rounds, failures, ended.signal));
  const samples: SoakSample[] = [];
  const rests: SoakRest[] = [];
  const load: number[] = [];
  let longestStallMs = 0;
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  while (elapsed() < seconds) {
    await Promise.race([delay(SAMPLE_MS), ...callers]);
    const probed = await probe(server);
    longestStallMs = Math.max(longestStallMs, probed.longestMs);
    load.push(loadavg()[0] ?? 0);
    const sample = {
      seconds: Number(elapsed().toFixed(1)),
      resident: residentMemory(server.pid),
      anonymous: anonymousMemory(server.pid),
      heapUsed: probed.heapUsed,
      external: probed.external,
      arrayBuffers: probed.arrayBuffers,
      stallMs: Number(probed.longestMs.toFixed(1)),
    };
    samples.push(sample);
    if (samples.length % 12 === 0) say(progress(sample, rounds));
    if (elapsed() > (rests.length + 1) * REST_EVERY_SECONDS) {
      const seconds = Number(elapsed().toFixed(1));
      await turnstile.close();
      const { rss: resident, heapUsed, external, arrayBuffers, threads } = await restOf(server);
      const anonymous = anonymousMemory(server.pid);
      const { inUse: allocated } = await allocator.trim();
      const trimmed = { resident: residentMemory(server.pid), anonymous: anonymousMemory(server.pid) };
      const rest: SoakRest = {
        ...{ seconds, resident, anonymous, heapUsed, external, arrayBuffers, threads },
        ...{ allocated, trimmed },
      };
      rests.push(rest);
      turnstile.open();
      say(
        `at rest: ${held(rest)}; ${megabytesOf(trimmed.anonymous)} trimmed, ${megabytesOf(allocated)} allocated`,
      );
    }
  }
  ended.abort();
  const errors = server.logs.filter(({ level }) => Number(level) >= ERROR_LEVEL).length;
  const results: SoakResults = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    node: process.version,
    commit: existsSync('.git')
      ? execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim()
      : (process.env.LOGAH_COMMIT ?? ''),
    load: [Math.min(...load), Math.max(...load)],
    warmUpSeconds,
    only,
    environment,
    cacheBytes: CACHE_BYTES,
    seconds: Math.round(elapsed()),
    rounds,
    failures,
    statuses: Object.fromEntries(statuses),
    errors,
    longestStallMs,
    samples,
    rests,
  };
  await breaks?.end();
  writeFileSync(OUT, `${JSON.stringify(results, null, 1)}\n`);
  say(`wrote ${OUT}: ${errors} errors, ${JSON.stringify(failures)} failures`);
}

/** Does rounds until the signal aborts, and says which fail: on a busy machine, good callers may be slow as well. */
async function keepCalling(
  { name, round, pauseMs }: Caller,
  turnstile: Turnstile,
  rounds: Record<string, number>,
  failures: Record<string, number>,
  until: AbortSignal,
): Promise<void> {
  for (let index = 0; !until.aborted; index++) {
    await turnstile.through(async () => {
      await round(index).catch((error: unknown) => {
        failures[name] = (failures[name] ?? 0) + 1;
        if (!until.aborted) say(`${name}, round ${index}: ${String(error)}`);
      });
    });
    rounds[name] = index + 1;
    await delay(pauseMs);
  }
}

type Probed = Omit<SoakSample, 'seconds' | 'resident' | 'stallMs'> & { readonly longestMs: number };
type Rested = Omit<Probed, 'longestMs'> & { readonly rss: number; readonly threads: SoakRest['threads'] };

const probe = (server: ServerProcess): Promise<Probed> => asked<Probed>(server, 'SIGUSR2', 'event loop');
const restOf = (server: ServerProcess): Promise<Rested> => asked<Rested>(server, 'SIGPWR', 'at rest');

/** The next line with this message, which the server logs on a signal (test/support/event-loop-probe.cjs). */
async function asked<Answer>(server: ServerProcess, signal: NodeJS.Signals, msg: string): Promise<Answer> {
  const before = server.logs.length;
  const line = server.logged(msg, (entry) => server.logs.indexOf(entry, before) >= before);
  server.kill(signal);
  return (await line) as unknown as Answer;
}

function progress(sample: SoakSample, rounds: object): string {
  return `${held(sample)}, ${sample.stallMs.toFixed(0)} ms stall; ${JSON.stringify(rounds)}`;
}

function held(moment: Omit<SoakSample, 'stallMs'>): string {
  const { seconds, resident, anonymous, heapUsed, external, arrayBuffers } = moment;
  return (
    `${(seconds / 60).toFixed(0)} min: ${megabytesOf(resident)} resident, ${megabytesOf(anonymous)} of no file, ` +
    `${megabytesOf(heapUsed)} heap, ${megabytesOf(external)} external, ${megabytesOf(arrayBuffers)} buffers`
  );
}

function megabytesOf(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(error instanceof Error ? `${error.stack ?? error.message}\n${String(error.cause)}` : String(error));
    process.exit(1);
  },
);
