/** The worker thread: holds the sessions and does one job after the other. */

import { parentPort, workerData } from 'node:worker_threads';
import { encoderFeatures } from '../graph/features';
import { BundleSessions, type Factors } from '../hypernet/sessions';
import { FactorStore } from './factor-store';
import { decodeFactors } from './factors';
import { decodedTile, fillBuffer, type LoadedModel } from './fill-buffer';
import { spectrumOf, type SpectrumValues } from './inspection/spectrum';
import { tallyOf } from './inspection/tally';
import { needOf } from './need';
import { unpackGraph } from './packed-graph';
import { ScaleStore } from './scale-store';
import { createScratch } from './worker-scratch';
import type { Job, PoolMessage, SpectrumJob, WorkerMessage, WorkerSetup } from './worker-protocol';

const port = parentPort;
if (port === null) throw new Error('decode-worker runs as a worker thread');

const setup = workerData as WorkerSetup;
const sessions = new Map<string, BundleSessions>();
const configs = new Map(setup.bundles.map(({ manifest, fingerprint }) => [fingerprint, manifest.hypernet]));
const memory = { factors: new FactorStore(), scales: new ScaleStore(), scratch: createScratch() };

function modelOf(fingerprint: string): LoadedModel {
  const found = sessions.get(fingerprint);
  const config = configs.get(fingerprint);
  if (found === undefined || config === undefined) throw new Error(`no model ${fingerprint} in this worker`);
  return { sessions: found, config };
}

function send(message: WorkerMessage): void {
  port?.postMessage(message);
}

async function perform(id: number, job: Job): Promise<void> {
  switch (job.kind) {
    case 'encode': {
      const model = modelOf(job.model);
      const { operations, cutoff } = model.config;
      const graph = unpackGraph(job.graph);
      const embeddings = await model.sessions.encode(encoderFeatures(graph, operations, cutoff));
      send({ kind: 'embeddings', id, embeddings });
      return;
    }
    case 'fill':
      send({ kind: 'filled', id, crc32: await fillBuffer(job, modelOf(job.model), memory) });
      return;
    case 'tally': {
      const values = await decodedTile(job.tile, job.requestKey, modelOf(job.model), memory);
      send({ kind: 'tallied', id, tally: tallyOf(values, job.first, job.request) });
      return;
    }
    case 'spectrum':
      send({ kind: 'spectrum', id, spectrum: await spectrum(job) });
  }
}

async function spectrum({ model, pieces, rows, columns }: SpectrumJob): Promise<SpectrumValues> {
  const { sessions: session, config } = modelOf(model);
  const needs = pieces.flatMap(({ recipe, embedding }) => needOf(recipe, embedding, '') ?? []);
  const factors = await decodeFactors(needs, session, config);
  const factored = pieces.map((piece, index) => ({ ...piece, factors: factors[index] as Factors }));
  return spectrumOf(factored, { rows, columns }, config.rank);
}

async function attempt(id: number, job: Job): Promise<void> {
  try {
    await perform(id, job);
  } catch (error) {
    send({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Nothing listens any more afterwards, so the thread ends. */
async function close(): Promise<void> {
  for (const session of sessions.values()) await session.release();
  port?.close();
}

async function start(): Promise<void> {
  for (const bundle of setup.bundles) {
    sessions.set(bundle.fingerprint, await BundleSessions.open(bundle, setup.placement));
  }
  // One job at a time: sessions must not be entered twice.
  let last = Promise.resolve();
  port?.on('message', (message: PoolMessage) => {
    last = last.then(() => (message.kind === 'job' ? attempt(message.id, message.job) : close()));
  });
  send({ kind: 'ready' });
}

// A session that does not load ends the worker; the pool reports why.
start().catch((error: unknown) => {
  setImmediate(() => {
    throw error;
  });
});
