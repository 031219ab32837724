/**
 * A herd of ranks that ask at the same moment for their shares of GPT-2-XL: with real clients as many as one machine bears,
 * and a model of queues for more. Writes bench/results/herd.json; python/bench/plot_scaling.py draws it.
 *
 * The model: a replica computes `bytesPerSecond` of dense data, or whole answers of factors and cores at the rates measured here, and
 * shares that equally among the streams that it admits; those beyond `--max-streams` are refused and come back after the
 * second that the server names, as the clients do, with up to half as much more by chance. Ranks choose a replica at random. A line
 * of LINE_BYTES_PER_SECOND leads into every replica and every rank.
 */

import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setMaxListeners } from 'node:events';
import { connect, type PredictRequest } from '../src/client';
import { configBytes, GPT2_XL } from './architectures';
import { startService } from './processes';

const ROOT = join(__dirname, '..');
const RESULT = join(__dirname, 'results', 'herd.json');
const REAL_RANKS = [1, 4, 8, 16];
/** As deploy/helm/logah/values.yaml. */
const MAX_STREAMS = 8;
const RETRY_SECONDS = 1;
/** 25 Gb/s. */
const LINE_BYTES_PER_SECOND = 25e9 / 8;
const RANKS = [8, 64, 256, 512, 4096];
const REPLICAS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const GOAL_SECONDS = 10;
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
  const clients = Array.from({ length: ranks }, () => connect(target));
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

/** What a replica can do. */
interface Rates {
  /** Bytes that one rank gets of all that `ranks` ask for. */
  readonly bytesOf: (form: Form, ranks: number) => number;
  /** That a replica sends, all streams together. */
  readonly bytesPerSecond: Readonly<Record<Form, number>>;
}

/** Seconds until the last rank has its share, in the model. */
function simulate(form: Form, ranks: number, replicas: number, rates: Rates, random: () => number): number {
  const bytes = rates.bytesOf(form, ranks);
  const rate = Math.min(rates.bytesPerSecond[form], LINE_BYTES_PER_SECOND);
  // Whole steps, so that a fleet of any size costs the same.
  const waiting = Array.from({ length: ranks }, () => ({ at: 0, left: bytes }));
  const served: { left: number }[][] = Array.from({ length: replicas }, () => []);
  let now = 0;
  let pending = waiting;
  while (pending.length > 0 || served.some((streams) => streams.length > 0)) {
    const later: typeof waiting = [];
    for (const rank of pending) {
      const streams = served[Math.floor(random() * replicas)] as { left: number }[];
      if (rank.at > now) later.push(rank);
      else if (streams.length < MAX_STREAMS) streams.push(rank);
      else later.push({ ...rank, at: now + RETRY_SECONDS * (1 + random() / 2) });
    }
    pending = later;
    now += STEP_SECONDS;
    for (const [index, streams] of served.entries()) {
      if (streams.length === 0) continue;
      const each = Math.min(rate / streams.length, LINE_BYTES_PER_SECOND) * STEP_SECONDS;
      for (const stream of streams) stream.left -= each;
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

async function main(): Promise<void> {
  setMaxListeners(0);
  const flags = ['--max-streams', `${MAX_STREAMS}`, '--max-nodes', '1024'];
  const service = await startService(join(ROOT, 'dist'), join(ROOT, 'models'), flags);
  const real: { form: Form; ranks: number; seconds: number; bytes: number }[] = [];
  for (const form of ['dense', 'factors', 'cores'] as const) {
    // The first encodes the graph; the herd of a job's second start finds it done.
    await stampede(service.target, 'cores', 1);
    for (const ranks of form === 'dense' ? REAL_RANKS : [...REAL_RANKS, 64]) {
      const run = { form, ranks, ...(await stampede(service.target, form, ranks)) };
      console.log(JSON.stringify(run));
      real.push(run);
    }
  }
  await service.stop();
  const best = (form: Form): number =>
    Math.max(
      ...real
        .filter((run) => run.form === form && run.ranks > 1)
        .map(({ bytes, seconds }) => bytes / seconds),
    );
  const whole = (form: Form): number =>
    real.find((run) => run.form === form && run.ranks === 1)?.bytes ?? NaN;
  const rates: Rates = {
    bytesOf: (form, ranks) => (form === 'dense' ? whole('dense') / ranks : whole(form)),
    bytesPerSecond: { dense: best('dense'), factors: best('factors'), cores: best('cores') },
  };
  const forms = ['dense', 'factors', 'cores'] as const;
  const model = forms.flatMap((form) =>
    RANKS.flatMap((ranks) =>
      REPLICAS.map((replicas) => ({
        form,
        ranks,
        replicas,
        seconds: simulate(form, ranks, replicas, rates, generator(ranks * 1000 + replicas)),
      })),
    ),
  );
  const againstReal = real
    .filter(({ ranks }) => ranks > 1)
    .map(({ form, ranks, seconds }) => ({
      form,
      ranks,
      seconds,
      modelSeconds: simulate(form, ranks, 1, rates, generator(ranks)),
    }));
  const needed = forms.flatMap((form) =>
    RANKS.map((ranks) => ({
      form,
      ranks,
      replicas:
        REPLICAS.find((replicas) =>
          model.some(
            (run) =>
              run.form === form &&
              run.ranks === ranks &&
              run.replicas === replicas &&
              run.seconds <= GOAL_SECONDS,
          ),
        ) ?? null,
    })),
  );
  // Rank 0 gets everything dense and sends it on along a ring, which takes the line's time once; or each rank gets its rows.
  const broadcast = RANKS.map((ranks) => ({
    ranks,
    rankZeroSeconds:
      whole('dense') / Math.min(rates.bytesPerSecond.dense, LINE_BYTES_PER_SECOND) +
      whole('dense') / LINE_BYTES_PER_SECOND,
    rowsSeconds: model.find((run) => run.form === 'dense' && run.ranks === ranks && run.replicas === 1)
      ?.seconds,
  }));
  const machine = {
    processor: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    node: process.version,
    loadAverage: loadavg()[0],
  };
  const assumed = {
    maxStreams: MAX_STREAMS,
    retrySeconds: RETRY_SECONDS,
    lineBytesPerSecond: LINE_BYTES_PER_SECOND,
  };
  const measured = {
    bytes: { dense: whole('dense'), factors: whole('factors'), cores: whole('cores') },
    bytesPerSecond: rates.bytesPerSecond,
  };
  writeFileSync(
    RESULT,
    `${JSON.stringify({ network: GPT2_XL.name, machine, assumed, measured, goalSeconds: GOAL_SECONDS, real, againstReal, model, needed, broadcast }, undefined, 2)}\n`,
  );
}

void main();
