/**
 * How fast one stream is over long lines to clients of every language, and how long a large request takes:
 * bench/results/round-trips.json. The lines are of bench/delaying-proxy.ts, which has round trips and no loss, and counts
 * what arrives: so programs that write files, and start for a while, are measured as those are that only read.
 * LOGAH_PYTHON: a Python with the package's requirements; examples/clients must be built (make -C examples/clients/go).
 * Writes the table of docs/scaling.md, too.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type LogahClient } from '../src/client';
import { configBytes, VIT_BASE } from './architectures';
import { startDelayingProxy, type DelayingProxy } from './delaying-proxy';
import { startClient, startService } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'round-trips.json');
const DOCUMENT = join(ROOT, 'docs', 'scaling.md');
const CONFIG = join(ROOT, 'examples', 'vit-base-patch16-224', 'config.json');
const ROUND_TRIPS_MS = [0, 1, 10, 50];
const ROUNDS = 3;
const REQUEST_BYTES = 8 * 2 ** 20;

const PYTHON_READER = `
import sys
import logah
with logah.connect(sys.argv[1]) as client:
    for _ in client.predict(sys.argv[2]):
        pass
`;

/** The programs of examples/clients write a file; memory's own file system takes it without a disk. */
const OUT = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'logah-round-trips-'));

/** Reads one prediction. */
type Reader = (target: string) => Promise<unknown>;

const run = promisify(execFile);
const reader = startClient();

function program(language: string): Reader {
  const command = join(ROOT, 'examples', 'clients', language, 'build', 'predict');
  if (!existsSync(command)) throw new Error(`${command} is missing; make -C examples/clients/${language}`);
  return (target) => run(command, [target, CONFIG, join(OUT, `${language}.safetensors`)]);
}

function readers(python: string): Readonly<Record<string, Reader>> {
  const environment = { ...process.env, PYTHONPATH: join(ROOT, 'python') };
  const request = { architecture: { transformersConfig: configBytes(VIT_BASE) } };
  return {
    typescript: (target) => reader.perform({ kind: 'predict', target, request }),
    python: (target) => run(python, ['-c', PYTHON_READER, target, CONFIG], { env: environment }),
    go: program('go'),
    cpp: program('cpp'),
    java: program('java'),
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

/** Bytes a second, of ROUNDS predictions the median. */
async function rate(read: Reader, line: DelayingProxy): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    line.arrived();
    await read(`127.0.0.1:${line.port}`);
    const { bytes, seconds } = line.arrived();
    rates.push(bytes / seconds);
  }
  return Math.round(median(rates));
}

/** Seconds until a request of REQUEST_BYTES is refused, whose server reads all of it before it says so. */
async function sendLarge(client: LogahClient): Promise<number> {
  const config = { ...VIT_BASE.config, padding: 'x'.repeat(REQUEST_BYTES) };
  const start = performance.now();
  await client
    .plan({ architecture: { transformersConfig: Buffer.from(JSON.stringify(config)) } })
    .catch(() => undefined);
  return (performance.now() - start) / 1000;
}

interface Line {
  readonly roundTripMs: number;
  readonly bytesPerSecond: Readonly<Record<string, number>>;
  readonly largeRequestSeconds: number;
}

const TITLES: readonly (readonly [language: string, title: string])[] = [
  ['typescript', 'TypeScript'],
  ['python', 'Python'],
  ['go', 'Go'],
  ['cpp', 'C++'],
  ['java', 'Java'],
];

/** Megabytes a second, and the part of what the line without a round trip carries. */
function table(lines: readonly Line[], load: number): string {
  const cells = ({ roundTripMs, bytesPerSecond, largeRequestSeconds }: Line): readonly string[] => [
    `${roundTripMs} ms`,
    ...TITLES.map(([language]) => {
      const [rate, loopback] = [bytesPerSecond[language] ?? NaN, lines[0]?.bytesPerSecond[language] ?? NaN];
      return `${(rate / 1e6).toFixed(0)} (${(rate / loopback).toFixed(2)})`;
    }),
    largeRequestSeconds.toFixed(1),
  ];
  const head = ['Round trip', ...TITLES.map(([, title]) => title), '8 MiB to the server, s'];
  const rows = [head, head.map(() => '---'), ...lines.map(cells)];
  const caption = `MB/s, and in brackets the part of the first line; the load average was ${load} at the beginning.`;
  return `${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\n${caption}`;
}

/** Puts a text between the marks of a document, as prettier has it. */
async function writeBetweenMarks(text: string): Promise<void> {
  const document = readFileSync(DOCUMENT, 'utf8').replace(
    /(<!-- round trips: begin -->\n)[^]*(\n<!-- round trips: end -->)/,
    (_, begin: string, end: string) => `${begin}\n${text}\n${end}`,
  );
  const { format, resolveConfig } = await import('prettier');
  const options = { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' };
  writeFileSync(DOCUMENT, await format(document, options));
}

async function main(): Promise<void> {
  const python = process.env.LOGAH_PYTHON;
  if (python === undefined)
    throw new Error('LOGAH_PYTHON names no Python with the requirements of the package');
  const languages = Object.entries(readers(python));
  const service = await startService(join(ROOT, 'dist'), join(ROOT, 'models'));
  const port = Number(service.target.split(':').at(-1));
  const load = Math.round(loadavg()[0] as number);
  const lines: Line[] = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const line = await startDelayingProxy(port, roundTripMs);
    const bytesPerSecond: Record<string, number> = {};
    for (const [language, read] of languages) bytesPerSecond[language] = await rate(read, line);
    const client = connect(`127.0.0.1:${line.port}`);
    await client.listModels();
    const large: number[] = [];
    for (let round = 0; round < ROUNDS; round++) large.push(await sendLarge(client));
    client.close();
    line.stop();
    const result = { roundTripMs, bytesPerSecond, largeRequestSeconds: median(large) };
    lines.push(result);
    console.log(JSON.stringify(result));
  }
  await reader.stop();
  await service.stop();
  const machine = {
    processor: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    node: process.version,
    loadAverage: load,
  };
  const what = { network: VIT_BASE.name, rounds: ROUNDS, requestBytes: REQUEST_BYTES };
  writeFileSync(RESULT, `${JSON.stringify({ machine, ...what, lines }, undefined, 2)}\n`);
  await writeBetweenMarks(table(lines, load));
}

process.once('exit', () => {
  rmSync(OUT, { recursive: true, force: true });
});
void main();
