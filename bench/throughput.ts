/** One large network, fetched in every way, in turns within each round. */

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spreadOf } from '../src/cli/output/statistics';
import { connect } from '../src/client';
import { linuxPeakMemory } from '../src/server/peak-memory';
import { configBytes, GPT2_LARGE } from './architectures';
import type { Job } from './client';
import { mainOf, processorSeconds, resetPeakMemory } from './processes';
import type { Throughput, Way } from './results';
import { requestFor, type Setup } from './setup';

const CHUNK_BYTES = 1 << 20;

interface Sample {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  readonly serverPeakBytes: number;
  readonly clientPeakBytes: number;
}

/** What a way is called, what it asks for, and the bytes that it moves. */
interface Plan {
  readonly job: Job;
  readonly bytes: number;
}

/** Fetches GPT-2-Large dense (checked and not), narrow, as factors, as core rows, and bare bytes as many as dense. */
export async function measureThroughput(setup: Setup): Promise<Throughput> {
  const { service, ceiling, rounds, say } = setup;
  const architecture = GPT2_LARGE;
  const client = connect(service.target);
  const target = service.target;
  const plan = await client.plan(requestFor(architecture));
  const request = requestFor(architecture, { chunkBytes: CHUNK_BYTES });
  const { denseBytes, factorBytes, coreBytes } = plan;
  client.close();
  const keep = denseBytes;
  const predict = (rest: object): Job => ({
    kind: 'predict',
    target,
    keep,
    request: { ...request, ...rest },
  });
  const ways = new Map<string, Plan>([
    [
      'ceiling',
      {
        job: { kind: 'ceiling', target: ceiling.target, bytes: denseBytes, chunkBytes: CHUNK_BYTES, keep },
        bytes: denseBytes,
      },
    ],
    ['dense', { job: predict({}), bytes: denseBytes }],
    ['unchecked', { job: { kind: 'unchecked', target, keep, request }, bytes: denseBytes }],
    ['f16', { job: predict({ dtype: 'DATA_TYPE_FLOAT16' }), bytes: denseBytes / 2 }],
    ['bf16', { job: predict({ dtype: 'DATA_TYPE_BFLOAT16' }), bytes: denseBytes / 2 }],
    ['factors', { job: predict({ representation: 'REPRESENTATION_FACTORS' }), bytes: factorBytes }],
    ['core', { job: predict({ representation: 'REPRESENTATION_CORE' }), bytes: coreBytes }],
  ]);
  const samples = new Map<string, Sample[]>([...ways.keys()].map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { job }] of ways) {
      const sample = await fetchOnce(setup, job);
      say(`${architecture.name}, round ${round}, ${name}: ${sample.seconds.toFixed(2)} s`);
      // The first round warms up.
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  const dense = samples.get('dense') ?? [];
  const way = (name: string): Way => summarize(samples.get(name) ?? [], ways.get(name)?.bytes ?? 0, dense);
  return {
    architecture: architecture.name,
    denseBytes,
    rounds,
    ceiling: way('ceiling'),
    dense: way('dense'),
    unchecked: way('unchecked'),
    f16: way('f16'),
    bf16: way('bf16'),
    factors: way('factors'),
    core: way('core'),
    naive: await measureNaive(setup),
  };
}

/** One job with its processor time and peaks of memory. */
export async function fetchOnce({ service, ceiling, client }: Setup, job: Job): Promise<Sample> {
  const server = job.kind === 'ceiling' ? ceiling : service;
  resetPeakMemory(server.pid);
  resetPeakMemory(client.pid);
  const before = processorSeconds(server.pid) ?? 0;
  const { seconds, cpuSeconds } = await client.perform(job);
  return {
    seconds,
    serverCpuSeconds: (processorSeconds(server.pid) ?? 0) - before,
    clientCpuSeconds: cpuSeconds,
    serverPeakBytes: linuxPeakMemory(server.pid) ?? 0,
    clientPeakBytes: linuxPeakMemory(client.pid) ?? 0,
  };
}

function summarize(samples: readonly Sample[], bytes: number, dense: readonly Sample[]): Way {
  return {
    seconds: spreadOf(samples.map(({ seconds }) => seconds)),
    bytes,
    serverCpuSeconds: spreadOf(samples.map(({ serverCpuSeconds }) => serverCpuSeconds)),
    clientCpuSeconds: spreadOf(samples.map(({ clientCpuSeconds }) => clientCpuSeconds)),
    serverPeakBytes: Math.max(...samples.map(({ serverPeakBytes }) => serverPeakBytes)),
    clientPeakBytes: Math.max(...samples.map(({ clientPeakBytes }) => clientPeakBytes)),
    timesDense: spreadOf(samples.map(({ seconds }, round) => seconds / (dense[round]?.seconds ?? NaN))),
  };
}

/** The same hypernetwork in PyTorch, in one process, as published code goes about it. */
async function measureNaive({ python, build, work, rounds, say }: Setup): Promise<Throughput['naive']> {
  const run = promisify(execFile);
  const config = join(work, 'gpt2-large.json');
  await writeFile(config, configBytes(GPT2_LARGE));
  const graph = await run(process.execPath, [mainOf(build), 'graph', config], { maxBuffer: 1 << 28 });
  const graphFile = join(work, 'gpt2-large.graph.json');
  await writeFile(graphFile, graph.stdout);
  const script = join('bench', 'naive_predict.py');
  const { stdout } = await run(
    python,
    [script, join(work, 'checkpoint.pt'), graphFile, '--repeats', String(rounds)],
    { cwd: 'python', env: { ...process.env, PYTHONPATH: '.' } },
  );
  const report = JSON.parse(stdout) as { seconds: number[]; peakMemoryBytes: number; torch: string };
  const seconds = spreadOf(report.seconds);
  say(`${GPT2_LARGE.name}, PyTorch: ${seconds.median.toFixed(2)} s`);
  return { seconds, peakBytes: report.peakMemoryBytes, torch: report.torch };
}
