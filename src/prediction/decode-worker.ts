/** The worker thread: holds the sessions and does one job after the other. */

import { parentPort, workerData } from 'node:worker_threads';
import { encoderFeatures } from '../graph/features';
import type { HypernetConfig } from '../hypernet/manifest';
import { BundleSessions, type Factors } from '../hypernet/sessions';
import { ByteBoundedCache } from './byte-bounded-cache';
import { decodePart } from './decode';
import { convert } from './element-type';
import type { Job, JobMessage, TileJob, WorkerMessage, WorkerSetup } from './worker-protocol';

const port = parentPort;
if (port === null) throw new Error('decode-worker runs as a worker thread');

const setup = workerData as WorkerSetup;
const sessions = new Map<string, BundleSessions>();
const configs = new Map(setup.bundles.map(({ manifest }) => [manifest.name, manifest.hypernet]));
/** The tiles of a large tensor, and its weight and bias, share factors. */
const cache = new ByteBoundedCache<Factors>(setup.factorCacheBytes, ({ a, b }) => a.byteLength + b.byteLength);
/** Float32 results of tiles of narrower types, before their conversion. */
let scratch = new Float32Array(0);

function modelOf(name: string): { sessions: BundleSessions; config: HypernetConfig } {
  const found = sessions.get(name);
  const config = configs.get(name);
  if (found === undefined || config === undefined) throw new Error(`no model ${name} in this worker`);
  return { sessions: found, config };
}

function send(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function decodeTile(job: TileJob): Promise<void> {
  const elements = job.rows * job.columns;
  const direct = job.elementType === 'f32';
  if (!direct && scratch.length < elements) scratch = new Float32Array(elements);
  const values = direct ? new Float32Array(job.buffer, 0, elements) : scratch.subarray(0, elements);
  const model = modelOf(job.model);
  const context = {
    sessions: model.sessions,
    factors: cache.get.bind(cache),
    rank: model.config.rank,
    requestKey: job.requestKey,
    stream: job.stream,
  };
  for (const part of job.parts) await decodePart(part, context, values, job.columns);
  if (job.elementType !== 'f32') convert(values, new Uint16Array(job.buffer, 0, elements), job.elementType);
}

async function perform(id: number, job: Job): Promise<void> {
  if (job.kind === 'encode') {
    const model = modelOf(job.model);
    const { operations, cutoff } = model.config;
    const embeddings = await model.sessions.encode(encoderFeatures(job.graph, operations, cutoff));
    send({ kind: 'embeddings', id, embeddings });
  } else {
    await decodeTile(job);
    send({ kind: 'tile', id, buffer: job.buffer }, [job.buffer]);
  }
}

async function start(): Promise<void> {
  for (const bundle of setup.bundles) {
    sessions.set(bundle.manifest.name, await BundleSessions.open(bundle, setup.provider));
  }
  // One job at a time: sessions must not be entered twice.
  let last = Promise.resolve();
  port?.on('message', ({ id, job }: JobMessage) => {
    last = last
      .then(() => perform(id, job))
      .catch((error: unknown) => {
        send({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
      });
  });
  send({ kind: 'ready' });
}

// A session that does not load ends the worker; the pool reports why.
start().catch((error: unknown) => {
  setImmediate(() => {
    throw error;
  });
});
