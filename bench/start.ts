/**
 * How long a server takes from its start to SERVING, and what CPU time that costs, with the models of the repository:
 * bench/results/start.json. On a machine that does other things, only the CPU time means something.
 *
 *   npm run build && node -r ./bench/register.cjs bench/start.ts [STARTS]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HealthClient } from '../test/support/health';
import { mainOf } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'start.json');
/** What `/proc/PID/stat` counts in. */
const TICKS_PER_SECOND = 100;

interface Start {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Starts a server, as the image does, and ends it once it has said that it is SERVING. */
async function start(): Promise<Start> {
  const begun = performance.now();
  const flags = [
    '--address',
    '127.0.0.1:0',
    '--execution-provider',
    'cpu',
    '--metrics-address',
    '127.0.0.1:0',
  ];
  const child = spawn(process.execPath, [mainOf(join(ROOT, 'dist')), 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await portOf(child.stdout);
  const client = new HealthClient(`127.0.0.1:${port}`);
  const status = await client.check();
  client.close();
  if (status !== 'SERVING') throw new Error(`the server is ${status}`);
  const seconds = (performance.now() - begun) / 1000;
  // Behind the name, which may hold spaces: user and system time are the twelfth and thirteenth.
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  child.stdout.resume();
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { seconds, cpuSeconds };
}

async function portOf(log: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input: log })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg === 'listening' && port !== undefined) return port;
  }
  throw new Error('the server ended before it listened');
}

function spread(values: readonly number[]): Record<'median' | 'least' | 'most', number> {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (index: number): number => Math.round((sorted.at(index) ?? NaN) * 1000) / 1000;
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(-1) };
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 9);
  const load = Math.round(loadavg()[0] as number);
  const starts: Start[] = [];
  for (let index = 0; index < count; index++) starts.push(await start());
  const result = {
    machine: {
      processor: cpus()[0]?.model.trim(),
      cores: availableParallelism(),
      node: process.version,
      loadAverage: load,
    },
    starts: count,
    secondsToServing: spread(starts.map(({ seconds }) => seconds)),
    cpuSecondsToServing: spread(starts.map(({ cpuSeconds }) => cpuSeconds)),
  };
  console.log(JSON.stringify(result));
  writeFileSync(RESULT, `${JSON.stringify(result, undefined, 2)}\n`);
}

void main();
