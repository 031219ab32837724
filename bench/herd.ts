/**
 * A herd of ranks that ask at the same moment for their shares of GPT-2-XL: with real clients as many as one machine bears,
 * and a model of queues for more. Writes bench/results/herd.json; python/bench/plot_scaling.py draws it.
 *
 * The model: a call costs a replica as much CPU time as bench/results/performance.json has of GPT-2-Large: of cores and factors
 * what a whole answer does, of dense data what an answer of cores does (planning, encoding, speaking) and the rest by its bytes.
 * A replica is one core and shares it equally among the streams that it admits; those beyond `--max-streams` are refused and come back after the
 * second that the server names, as the clients do, with up to half as much more by chance. Ranks choose a replica at random. A line
 * of LINE_BYTES_PER_SECOND leads into every replica and every rank.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setMaxListeners } from 'node:events';
import { connect, type PredictRequest } from '../src/client';
import { configBytes, GPT2_XL } from './architectures';
import { startService } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'herd.json');
const PERFORMANCE = join(__dirname, 'results', 'performance.json');
const REAL_RANKS = { dense: [1, 8, 12], factors: [1, 8, 32], cores: [1, 8, 32, 64] } as const;
const PATIENCE_MS = 600_000;
/** As deploy/helm/logah/values.yaml. */
const MAX_STREAMS = 8;
const RETRY_SECONDS = 1;
/** 25 Gb/s. */
const LINE_BYTES_PER_SECOND = 25e9 / 8;
const RANKS = [8, 64, 256, 512, 4096];
const REPLICAS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const GOAL_SECONDS = 10;
/** Of the model's clock, at least; a thousandth of what the work alone takes where that is more. */
const STEP_SECONDS = 0.01;

type Form = 'dense' | 'factors' | 'cores';

const FORMS = {
  dense: 'REPRESENTATION_DENSE',
  factors: 'REPRESENTATION_FACTORS',
  cores: 'REPRESENTATION_CORE',
} as const;

function request(form: Form, rank: number, ranks: number): PredictRequest {
  return {
    architecture: { transformersConfig: configBytes(GPT2_XL) },
    representation: FORMS[form],
    // Factors and cores are of whole tensors: every rank gets all and expands its rows.
    ...(form === 'dense' && { shard: { index: rank, count: ranks } }),
  };
}

/** What the ranks took together; each is a client with a connection of its own. */
async function stampede(
  target: string,
  form: Form,
  ranks: number,
): Promise<{ seconds: number; bytes: number }> {
  // A herd larger than the server waits for longer than the minute that clients have by default.
  const clients = Array.from({ length: ranks }, () => connect(target, { patienceMs: PATIENCE_MS }));
  const begun = performance.now();
  const counts = await Promise.all(
    clients.map(async (client, rank) => {
      let bytes = 0;
      for await (const event of client.predict(request(form, rank, ranks))) {
        if (event.kind === 'data') bytes += event.data.length;
      }
      return bytes;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  for (const client of clients) client.close();
  return { seconds, bytes: counts.reduce((sum, count) => sum + count, 0) };
}

/** CPU seconds that one call costs a replica when `ranks` ask at a time, and the bytes that it brings. */
interface Costs {
  readonly cpuSecondsOf: (form: Form, ranks: number) => number;
  readonly bytesOf: (form: Form, ranks: number) => number;
}

/** Seconds until the last rank has its share, in the model. */
function simulate(form: Form, ranks: number, replicas: number, costs: Costs, random: () => number): number {
  // The line into a replica carries what all its streams bring.
  const work = Math.max(costs.cpuSecondsOf(form, ranks), costs.bytesOf(form, ranks) / LINE_BYTES_PER_SECOND);
  const step = Math.max(STEP_SECONDS, (ranks * work) / replicas / 1000);
  let pending = Array.from({ length: ranks }, () => ({ at: 0, left: work }));
  const served: { left: number }[][] = Array.from({ length: replicas }, () => []);
  let now = 0;
  while (pending.length > 0 || served.some((streams) => streams.length > 0)) {
    const later: typeof pending = [];
    for (const rank of pending) {
      const streams = served[Math.floor(random() * replicas)] as { left: number }[];
      if (rank.at > now) later.push(rank);
      else if (streams.length < MAX_STREAMS) streams.push(rank);
      else later.push({ ...rank, at: now + RETRY_SECONDS * (1 + random() / 2) });
    }
    pending = later;
    now += step;
    for (const [index, streams] of served.entries()) {
      if (streams.length === 0) continue;
      for (const stream of streams) stream.left -= step / streams.length;
      served[index] = streams.filter(({ left }) => left > 0);
    }
  }
  return now;
}

/** Numerical Recipes' generator: the same herd each time. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

interface RealRun {
  readonly form: Form;
  readonly ranks: number;
  readonly seconds: number;
  readonly bytes: number;
}

const FORM_NAMES = ['dense', 'factors', 'cores'] as const;

async function realRuns(): Promise<readonly RealRun[]> {
  setMaxListeners(0);
  const flags = ['--max-streams', `${MAX_STREAMS}`, '--max-nodes', '1024'];
  const service = await startService(join(ROOT, 'dist'), join(ROOT, 'models'), flags);
  const runs: RealRun[] = [];
  // The first encodes the graph; the herd of a job's second start finds it done.
  await stampede(service.target, 'cores', 1);
  for (const form of FORM_NAMES) {
    for (const ranks of REAL_RANKS[form]) {
      const run = { form, ranks, ...(await stampede(service.target, form, ranks)) };
      console.log(JSON.stringify(run));
      runs.push(run);
    }
  }
  await service.stop();
  return runs;
}

/** Of GPT-2-Large, when nothing else runs. */
function measuredCosts(bytesOf: Costs['bytesOf']): Costs & { readonly measured: object } {
  const { throughput } = JSON.parse(readFileSync(PERFORMANCE, 'utf8')) as {
    throughput: Record<string, { bytes: number; serverCpuSeconds: { median: number } }>;
  };
  const cpu = (name: string): number => throughput[name]?.serverCpuSeconds.median ?? NaN;
  const call = cpu('core');
  const perDenseByte = (cpu('dense') - call) / (throughput.dense?.bytes ?? NaN);
  return {
    bytesOf,
    cpuSecondsOf: (form, ranks) => {
      if (form === 'dense') return call + perDenseByte * bytesOf('dense', ranks);
      return form === 'factors' ? cpu('factors') : call;
    },
    measured: {
      cpuSecondsOfCall: call,
      cpuSecondsOfFactors: cpu('factors'),
      cpuSecondsOfDenseByte: perDenseByte,
    },
  };
}

async function main(): Promise<void> {
  // --model: with the real runs that are on record.
  const { real, machine } = process.argv.includes('--model')
    ? (JSON.parse(readFileSync(RESULT, 'utf8')) as { real: readonly RealRun[]; machine: object })
    : {
        real: await realRuns(),
        machine: {
          processor: cpus()[0]?.model.trim(),
          cores: availableParallelism(),
          node: process.version,
          loadAverage: loadavg()[0],
        },
      };
  const whole = (form: Form): number =>
    real.find((run) => run.form === form && run.ranks === 1)?.bytes ?? NaN;
  const bytesOf = (form: Form, ranks: number): number =>
    form === 'dense' ? whole('dense') / ranks : whole(form);
  const costs = measuredCosts(bytesOf);
  const model = FORM_NAMES.flatMap((form) =>
    RANKS.flatMap((ranks) =>
      REPLICAS.map((replicas) => ({
        form,
        ranks,
        replicas,
        seconds: simulate(form, ranks, replicas, costs, generator(ranks * 1000 + replicas)),
      })),
    ),
  );
  const needed = FORM_NAMES.flatMap((form) =>
    RANKS.map((ranks) => {
      const runs = model.filter((run) => run.form === form && run.ranks === ranks);
      return { form, ranks, replicas: runs.find(({ seconds }) => seconds <= GOAL_SECONDS)?.replicas ?? null };
    }),
  );
  // Rank 0 gets everything and sends it on along a ring, which takes the line's time once; or each rank gets its rows.
  const rankZeroSeconds =
    Math.max(costs.cpuSecondsOf('dense', 1), bytesOf('dense', 1) / LINE_BYTES_PER_SECOND) +
    bytesOf('dense', 1) / LINE_BYTES_PER_SECOND;
  const rowsFaster = RANKS.map((ranks) => {
    const runs = model.filter((run) => run.form === 'dense' && run.ranks === ranks);
    return { ranks, fromReplicas: runs.find(({ seconds }) => seconds < rankZeroSeconds)?.replicas ?? null };
  });
  const assumed = {
    maxStreams: MAX_STREAMS,
    retrySeconds: RETRY_SECONDS,
    lineBytesPerSecond: LINE_BYTES_PER_SECOND,
  };
  const measured = {
    bytes: { dense: whole('dense'), factors: whole('factors'), cores: whole('cores') },
    ...costs.measured,
  };
  const result = { network: GPT2_XL.name, machine, assumed, measured, goalSeconds: GOAL_SECONDS };
  writeFileSync(
    RESULT,
    `${JSON.stringify({ ...result, real, model, needed, rankZeroSeconds, rowsFaster }, undefined, 2)}\n`,
  );
}

void main();
