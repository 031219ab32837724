/**
 * What it costs to be safe: TLS, authentication, metrics and the log of calls, and what callers get beside each other.
 * `npm run bench:security -- [ROUNDS]` writes bench/results/security.json; with names of parts behind ROUNDS (tls,
 * authentication, fairness, overhead) it measures those alone, and writes nothing.
 */

import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { spreadOf } from '../src/cli/output/statistics';
import { Authority, tlsFlags } from '../test/support/certificates';
import { newToken, type Token } from '../test/support/tokens';
import { configBytes, GPT2_LARGE, VIT_BASE } from './architectures';
import { measureOverhead } from './observability';
import { ratioOf } from './paired';
import { startService, threadSeconds, type RunningServer } from './processes';
import type { SecurityJob, SecurityOutcome } from './security-client';
import type { SecurityResults, Side } from './security-results';

const ROOT = join(__dirname, '..');
const MODELS = join(ROOT, 'models');
const FIRST_CHUNKS = 400;
const GREEDY_STREAMS = 60;
const WINDOW_SECONDS = 6;
const OTHER_CALLERS = 1000;

interface Caller {
  perform(job: SecurityJob): Promise<SecurityOutcome>;
  stop(): Promise<void>;
}

function startCaller(): Caller {
  const child = fork(join(__dirname, 'security-client.ts'), {
    execArgv: ['-r', join(__dirname, 'register.cjs')],
    serialization: 'advanced',
  });
  return {
    perform: async (job) => {
      const given = new AbortController();
      const { signal } = given;
      const ended = once(child, 'exit', { signal }).then(() => {
        throw new Error(`a caller failed at a job of kind ${job.kind}`);
      });
      ended.catch(() => undefined);
      child.send(job);
      try {
        const [outcome] = (await Promise.race([once(child, 'message', { signal }), ended])) as [
          SecurityOutcome,
        ];
        return outcome;
      } finally {
        given.abort();
      }
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** One caller reads a large network with TLS and without, from two servers of one build, in turns. */
async function measureTls(rounds: number): Promise<SecurityResults['tls']> {
  const authority = new Authority();
  const ca = readFileSync(authority.cert, 'utf8');
  const caller = startCaller();
  const servers = {
    plain: await startService(join(ROOT, 'dist'), MODELS),
    tls: await startService(join(ROOT, 'dist'), MODELS, tlsFlags(authority.sign())),
  };
  const request = { architecture: { transformersConfig: configBytes(GPT2_LARGE) } };
  const taken = { plain: sides(), tls: sides() };
  let bytes = 0;
  // The first round warms.
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? (['plain', 'tls'] as const) : (['tls', 'plain'] as const);
    for (const name of order) {
      const { target, pid } = servers[name];
      const before = threadSeconds(pid);
      const secured = name === 'tls' ? { target: localhost(target), ca } : { target };
      const outcome = await caller.perform({ kind: 'whole', request, ...secured });
      const cpu = threadSeconds(pid) - before;
      say(`TLS, round ${round}, ${name}: ${outcome.seconds.toFixed(2)} s, ${cpu.toFixed(2)} s of CPU`);
      bytes = outcome.bytes;
      if (round === 0) continue;
      taken[name].seconds.push(outcome.seconds);
      taken[name].cpu.push(cpu);
    }
  }
  const cipher = cipherOf(servers.tls.target);
  await Promise.all([caller.stop(), servers.plain.stop(), servers.tls.stop()]);
  authority.remove();
  return {
    architecture: GPT2_LARGE.name,
    bytes,
    cipher,
    plain: sideOf(taken.plain),
    tls: sideOf(taken.tls),
    ratio: ratioOf(taken.plain.seconds, taken.tls.seconds),
  };
}

const sides = (): { readonly seconds: number[]; readonly cpu: number[] } => ({ seconds: [], cpu: [] });

function sideOf({ seconds, cpu }: ReturnType<typeof sides>): Side {
  return { seconds: spreadOf(seconds), serverCpuSeconds: spreadOf(cpu) };
}

/** The certificate has the name; what has an address would be asked for it by no name (RFC 6066). */
function localhost(target: string): string {
  return target.replace('127.0.0.1', 'localhost');
}

/** What OpenSSL's client and the server agree on. */
function cipherOf(target: string): string {
  const args = ['s_client', '-connect', target, '-alpn', 'h2', '-brief'];
  // Which tells of the connection on its standard error.
  const { stdout, stderr } = spawnSync('openssl', args, { input: '', encoding: 'utf8' });
  const told = stdout + stderr;
  const cipher = /Ciphersuite: (\S+)/.exec(told)?.[1] ?? /Cipher is (\S+)/.exec(told)?.[1];
  if (cipher === undefined) throw new Error(`openssl tells of no cipher: ${told}`);
  return cipher;
}

/** The first chunk of a network that the server has met, with a token that is looked up among others and without. */
async function measureAuthentication(): Promise<SecurityResults['authentication']> {
  const caller = startCaller();
  const { token, flags, remove } = callersFile([newToken('bench', 'models=*')]);
  const servers = {
    without: await startService(join(ROOT, 'dist'), MODELS),
    with: await startService(join(ROOT, 'dist'), MODELS, flags),
  };
  const request = { architecture: { transformersConfig: configBytes(GPT2_LARGE) } };
  const taken: Record<'without' | 'with', number[]> = { without: [], with: [] };
  const cpu: Record<'without' | 'with', number[]> = { without: [], with: [] };
  // The first five warm.
  for (let time = -5; time < FIRST_CHUNKS; time++) {
    const order = time % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
    for (const name of order) {
      const { target, pid } = servers[name];
      const ask = { target, request, ...(name === 'with' && { token }) };
      const before = threadSeconds(pid);
      const { seconds } = await caller.perform({ kind: 'first', ...ask });
      const used = threadSeconds(pid) - before;
      if (time < 0) continue;
      taken[name].push(seconds * 1000);
      cpu[name].push(used);
    }
  }
  await Promise.all([caller.stop(), servers.without.stop(), servers.with.stop()]);
  remove();
  const [withoutMs, withMs] = [spreadOf(taken.without), spreadOf(taken.with)];
  say(`first chunk: ${withoutMs.median.toFixed(1)} ms, with a token ${withMs.median.toFixed(1)} ms`);
  return {
    architecture: GPT2_LARGE.name,
    callers: OTHER_CALLERS + 1,
    rounds: FIRST_CHUNKS,
    withoutMs,
    withMs,
    ratio: ratioOf(taken.with, taken.without),
    serverCpu: ratioOf(cpu.with, cpu.without),
  };
}

/** A file of callers with these and a thousand others; the token of the first. */
function callersFile(tokens: readonly [Token, ...Token[]]): {
  readonly token: string;
  readonly flags: readonly string[];
  readonly remove: () => void;
} {
  const authority = new Authority('a directory for callers');
  const path = join(authority.directory, 'callers');
  const others = Array.from({ length: OTHER_CALLERS }, (_, index) => newToken(`other-${index}`, 'models=*'));
  writeFileSync(path, [...others, ...tokens].map(({ line }) => `${line}\n`).join(''));
  return {
    token: tokens[0].token,
    flags: ['--callers', path],
    remove: () => {
      authority.remove();
    },
  };
}

/** One caller with many streams beside one with one, who was alone before. */
async function measureFairness(rounds: number): Promise<SecurityResults['fairness']> {
  const [modest, greedy] = [newToken('modest', 'models=*'), newToken('greedy', 'models=*')];
  const { flags, remove } = callersFile([modest, greedy]);
  const server: RunningServer = await startService(join(ROOT, 'dist'), MODELS, flags);
  const [one, many] = [startCaller(), startCaller()];
  const request = { architecture: { transformersConfig: configBytes(VIT_BASE) } };
  const { target } = server;
  const ask = { kind: 'streams', target, request } as const;
  const alone: number[] = [];
  const beside: number[] = [];
  const most: number[] = [];
  // The first round warms.
  for (let round = 0; round <= rounds; round++) {
    const before = await one.perform({
      ...ask,
      token: modest.token,
      streams: 1,
      seconds: WINDOW_SECONDS / 2,
    });
    // The greedy one begins earlier and ends later, so that the other is never alone.
    const flood = many.perform({
      ...ask,
      token: greedy.token,
      streams: GREEDY_STREAMS,
      seconds: 1.5 * WINDOW_SECONDS,
    });
    await new Promise((resolve) => setTimeout(resolve, (WINDOW_SECONDS / 4) * 1000));
    const meanwhile = await one.perform({
      ...ask,
      token: modest.token,
      streams: 1,
      seconds: WINDOW_SECONDS,
    });
    const flooded = await flood;
    const rates = [rate(before), rate(meanwhile), meanwhileRate(flooded, meanwhile)];
    say(`fairness, round ${round}: ${rates.map(millions).join(', ')}`);
    if (round === 0) continue;
    alone.push(rate(before));
    beside.push(rate(meanwhile));
    most.push(meanwhileRate(flooded, meanwhile));
  }
  await Promise.all([one.stop(), many.stop(), server.stop()]);
  remove();
  const kept = beside.map((elements, round) => elements / (alone[round] ?? NaN));
  const balance = beside.map((elements, round) => {
    const other = most[round] ?? NaN;
    return Math.min(elements, other) / Math.max(elements, other);
  });
  return {
    architecture: VIT_BASE.name,
    greedyStreams: GREEDY_STREAMS,
    alone: spreadOf(alone),
    modest: spreadOf(beside),
    greedy: spreadOf(most),
    kept: spreadOf(kept),
    balance: spreadOf(balance),
  };
}

/** Elements of float32 a second. */
function rate({ bytes, seconds }: SecurityOutcome): number {
  return bytes / 4 / seconds;
}

/** The same of one caller while another had its streams. */
function meanwhileRate({ course = [] }: SecurityOutcome, other: SecurityOutcome): number {
  const [from, until] = [other.course?.[0]?.at ?? NaN, other.course?.at(-1)?.at ?? NaN];
  const during = course.filter(({ at }) => at >= from && at <= until);
  const [first, last] = [during[0], during.at(-1)];
  if (first === undefined || last === undefined) throw new Error('the callers did not read at the same time');
  return (last.bytes - first.bytes) / 4 / ((last.at - first.at) / 1000);
}

function millions(elements: number): string {
  return `${(elements / 1e6).toFixed(1)} M/s`;
}

const PARTS = {
  tls: measureTls,
  authentication: measureAuthentication,
  fairness: (rounds: number) => measureFairness(Math.max(2, Math.floor(rounds / 2))),
  overhead: (rounds: number) => measureOverhead(resolve(ROOT, 'dist'), 6 * rounds, say),
};

async function main(rounds: number, parts: readonly string[]): Promise<void> {
  if (parts.length > 0) {
    for (const part of parts) {
      if (!Object.hasOwn(PARTS, part))
        throw new Error(`no part ${part}; there are ${Object.keys(PARTS).join(', ')}`);
      console.log(JSON.stringify(await PARTS[part as keyof typeof PARTS](rounds), null, 1));
    }
    return;
  }
  const results: SecurityResults = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim(),
    rounds,
    tls: await PARTS.tls(rounds),
    authentication: await PARTS.authentication(),
    fairness: await PARTS.fairness(rounds),
    overhead: await PARTS.overhead(rounds),
  };
  writeFileSync(join(__dirname, 'results', 'security.json'), `${JSON.stringify(results, null, 2)}\n`);
  console.log(JSON.stringify(results, null, 1));
}

main(Number(process.argv[2] ?? 6), process.argv.slice(3)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
