/** `npm run bench`: all measurements, paired where they are compared; JSON to bench/results/. */

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { connect } from '../src/client';
import { measureConcurrency } from './concurrency';
import { measureCores, measureHerd } from './cores';
import { measureGrowth } from './growth';
import { measureLatency } from './latency';
import { startCeiling, startClient, startService } from './processes';
import type { Machine, Results } from './results';
import type { Setup } from './setup';
import { measureThroughput } from './throughput';

interface Flags {
  readonly rounds: number;
  readonly out: string;
  readonly work: string;
  readonly only?: Part;
  readonly python?: string;
}

/** What is measured, in this order. */
const PARTS = {
  throughput: measureThroughput,
  latency: measureLatency,
  concurrency: measureConcurrency,
  growth: measureGrowth,
  cores: measureCores,
  herd: measureHerd,
} as const;
type Part = keyof typeof PARTS;

const command = new Command('bench')
  .description('measure the service against bare gRPC and against plain PyTorch, on this machine')
  .option('--rounds <count>', 'rounds that count, after one that does not', positive, 5)
  .option('--out <file>', 'where the figures go', 'bench/results/performance.json')
  .option('--work <directory>', 'for the model of random weights and files of the run', '.bench')
  .addOption(
    new Option('--only <part>', 'print the figures of one part, and write none').choices(Object.keys(PARTS)),
  )
  .option('--python <file>', "a Python with the package's dependencies (default: LOGAH_PYTHON)")
  .action(async (flags: Flags) => {
    await bench(flags);
  });

async function bench(flags: Flags): Promise<void> {
  const python = flags.python ?? process.env.LOGAH_PYTHON;
  if (python === undefined)
    throw new Error('--python or LOGAH_PYTHON must name a Python: it makes the model');
  const work = resolve(flags.work);
  mkdirSync(work, { recursive: true });
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  say('making the model');
  await promisify(execFile)(python, ['bench/make_model.py', work, '--operations', 'language'], {
    cwd: 'python',
    env: { ...process.env, PYTHONPATH: '.' },
  });
  const build = resolve('dist');
  const service = await startService(build, join(work, 'models'));
  const ceiling = await startCeiling();
  const client = startClient();
  const setup: Setup = { service, ceiling, client, build, python, work, rounds: flags.rounds, say };
  try {
    if (flags.only !== undefined) {
      process.stdout.write(`${JSON.stringify(await PARTS[flags.only](setup), null, 2)}\n`);
      return;
    }
    const throughput = await measureThroughput(setup);
    const latency = await measureLatency(setup);
    const machine = await describeMachine(service.target);
    await service.stop();
    const concurrency = await measureConcurrency(setup);
    const growth = await measureGrowth(setup);
    const cores = await measureCores(setup);
    const herd = await measureHerd(setup);
    const results: Results = { machine, throughput, latency, concurrency, growth, cores, herd };
    writeFileSync(flags.out, `${JSON.stringify(results, null, 2)}\n`);
    say(`wrote ${flags.out}`);
  } finally {
    await client.stop();
    await ceiling.stop();
    await service.stop();
  }
}

async function describeMachine(target: string): Promise<Machine> {
  const client = connect(target);
  const { models } = await client.listModels();
  client.close();
  const [model] = models;
  if (model === undefined) throw new Error('the server has no model');
  const version = (name: string): string =>
    (JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8')) as { version: string })
      .version;
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    grpc: version('@grpc/grpc-js'),
    onnxruntime: version('onnxruntime-node'),
    commit: execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim(),
    model: { name: model.name, rank: model.rank },
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d{1,3}$/.test(text) || value < 1) throw new InvalidArgumentError('Expected 1 to 999.');
  return value;
}

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
