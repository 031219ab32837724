/**
 * How fast one stream is over long lines, and how long a large request takes: bench/results/round-trips.json. The lines are
 * of bench/delaying-proxy.ts, which has round trips and no loss. LOGAH_PYTHON: a Python with the package's requirements.
 */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type LogahClient } from '../src/client';
import { configBytes, VIT_BASE } from './architectures';
import { startDelayingProxy } from './delaying-proxy';
import { startService } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'round-trips.json');
const ROUND_TRIPS_MS = [0, 1, 10, 50];
const ROUNDS = 3;
const REQUEST_BYTES = 8 * 2 ** 20;

const PYTHON_READER = `
import sys, time
import logah
path = sys.argv[2]
with logah.connect(sys.argv[1]) as client:
    for _ in range(int(sys.argv[3])):
        start = time.perf_counter()
        count = sum(values.nbytes for _, values in client.predict(path))
        print(count / (time.perf_counter() - start))
`;

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

async function readTypescript(client: LogahClient): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  for await (const event of client.predict({ architecture: { transformersConfig: configBytes(VIT_BASE) } })) {
    if (event.kind === 'data') bytes += event.data.length;
  }
  return bytes / ((performance.now() - start) / 1000);
}

async function readPython(python: string, target: string): Promise<readonly number[]> {
  const config = join(ROOT, 'examples', 'vit-base-patch16-224', 'config.json');
  const { stdout } = await promisify(execFile)(python, ['-c', PYTHON_READER, target, config, `${ROUNDS}`], {
    env: { ...process.env, PYTHONPATH: join(ROOT, 'python') },
  });
  return stdout.trim().split('\n').map(Number);
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

async function main(): Promise<void> {
  const python = process.env.LOGAH_PYTHON;
  if (python === undefined)
    throw new Error('LOGAH_PYTHON names no Python with the requirements of the package');
  const service = await startService(join(ROOT, 'dist'), join(ROOT, 'models'));
  const port = Number(service.target.split(':').at(-1));
  const lines = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const line = await startDelayingProxy(port, roundTripMs);
    const target = `127.0.0.1:${line.port}`;
    const client = connect(target);
    const typescript: number[] = [];
    const large: number[] = [];
    // The first connects and warms up.
    await client.listModels();
    for (let round = 0; round <= ROUNDS; round++) {
      const rate = await readTypescript(client);
      if (round > 0) typescript.push(rate);
    }
    for (let round = 0; round < ROUNDS; round++) large.push(await sendLarge(client));
    client.close();
    const inPython = await readPython(python, target);
    line.stop();
    const result = {
      roundTripMs,
      bytesPerSecond: { typescript: median(typescript), python: median(inPython) },
      largeRequestSeconds: median(large),
    };
    lines.push(result);
    console.log(JSON.stringify(result));
  }
  await service.stop();
  const machine = {
    processor: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    node: process.version,
  };
  const what = { network: VIT_BASE.name, rounds: ROUNDS, requestBytes: REQUEST_BYTES };
  writeFileSync(RESULT, `${JSON.stringify({ machine, ...what, lines }, undefined, 2)}\n`);
}

void main();
