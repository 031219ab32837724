/** The worker thread: holds the sessions and does one job after the other. */

import { parentPort, workerData } from 'node:worker_threads';
import { encoderFeatures } from '../graph/features';
import { BundleSessions } from '../hypernet/sessions';
import { FactorStore } from './factor-store';
import { fillBuffer, type LoadedModel } from './fill-buffer';
import { unpackGraph } from './packed-graph';
import { ScaleStore } from './scale-store';
import { createScratch } from './worker-scratch';
import type { Job, PoolMessage, WorkerMessage, WorkerSetup } from './worker-protocol';

const port = parentPort;
if (port === null) throw new Error('decode-worker runs as a worker thread');

const setup = workerData as WorkerSetup;
const sessions = new Map<string, BundleSessions>();
const configs = new Map(setup.bundles.map(({ manifest }) => [manifest.name, manifest.hypernet]));
const memory = { factors: new FactorStore(), scales: new ScaleStore(), scratch: createScratch() };

function modelOf(name: string): LoadedModel {
  const found = sessions.get(name);
  const config = configs.get(name);
  if (found === undefined || config === undefined) throw new Error(`no model ${name} in this worker`);
  return { sessions: found, config };
}

function send(message: WorkerMessage): void {
  port?.postMessage(message);
}

async function perform(id: number, job: Job): Promise<void> {
  if (job.kind === 'encode') {
    const model = modelOf(job.model);
    const { operations, cutoff } = model.config;
    const graph = unpackGraph(job.graph);
    const embeddings = await model.sessions.encode(encoderFeatures(graph, operations, cutoff));
    send({ kind: 'embeddings', id, embeddings });
  } else {
    send({ kind: 'filled', id, crc32: await fillBuffer(job, modelOf(job.model), memory) });
  }
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
    sessions.set(bundle.manifest.name, await BundleSessions.open(bundle, setup.provider));
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
