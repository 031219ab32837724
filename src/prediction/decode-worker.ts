/** The worker thread: holds the sessions and does one job after the other. */

import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { encoderFeatures } from '../graph/features';
import type { HypernetConfig } from '../hypernet/manifest';
import { BundleSessions } from '../hypernet/sessions';
import { decodePart } from './decode';
import { bytesPerElement, convert, type ElementType } from '../element-type';
import { FactorStore } from './factor-store';
import type { Placement } from './layout';
import { createScratch } from './scratch';
import type { FactorsJob, Job, PoolMessage, TileJob, WorkerMessage, WorkerSetup } from './worker-protocol';

const port = parentPort;
if (port === null) throw new Error('decode-worker runs as a worker thread');

const setup = workerData as WorkerSetup;
const sessions = new Map<string, BundleSessions>();
const configs = new Map(setup.bundles.map(({ manifest }) => [manifest.name, manifest.hypernet]));
const factors = new FactorStore();
const scratch = createScratch();

function modelOf(name: string): { sessions: BundleSessions; config: HypernetConfig } {
  const found = sessions.get(name);
  const config = configs.get(name);
  if (found === undefined || config === undefined) throw new Error(`no model ${name} in this worker`);
  return { sessions: found, config };
}

function send(message: WorkerMessage): void {
  port?.postMessage(message);
}

async function decodeTile(job: TileJob): Promise<number> {
  const { wanted } = job;
  const elements = job.rows * job.columns;
  const wantedElements = wanted.rows * wanted.columns;
  const values = scratch.tile.take(elements);
  const model = modelOf(job.model);
  const context = {
    sessions: model.sessions,
    factors,
    rank: model.config.rank,
    requestKey: job.requestKey,
    stream: job.stream,
    scratch,
  };
  for (const part of job.parts) await decodePart(part, context, values, job.columns);
  const sent = wantedElements === elements ? values : crop(values, job.columns, wanted);
  return fill(job.buffer, sent, job.elementType);
}

async function decodeFactors(job: FactorsJob): Promise<number> {
  const model = modelOf(job.model);
  const { rank } = model.config;
  const elements = job.blocks.reduce((sum, { m, n }) => sum + (m + n) * rank, 0);
  const values = scratch.tile.take(elements);
  let at = 0;
  const take = (rows: number): Float32Array => {
    const start = at;
    at += rows * rank;
    return values.subarray(start, at);
  };
  for (const { embedding, slot, m, n, scale } of job.blocks) {
    const a = take(m);
    const b = take(n);
    await model.sessions.factors(embedding, slot, { a, b });
    for (let index = 0; index < a.length; index++) a[index] = (a[index] as number) * scale;
  }
  return fill(job.buffer, values, 'f32');
}

/** ONNX Runtime writes to no shared memory, so this copies. The CRC-32 of what is in the buffer then. */
function fill(buffer: SharedArrayBuffer, values: Float32Array, elementType: ElementType): number {
  if (elementType === 'f32') new Float32Array(buffer, 0, values.length).set(values);
  else convert(values, new Uint16Array(buffer, 0, values.length), elementType);
  return crc32(new Uint8Array(buffer, 0, values.length * bytesPerElement(elementType)));
}

/** Moves what is wanted of a row-major matrix to its beginning, rows close together, and returns that part. */
function crop(values: Float32Array, columns: number, wanted: Placement): Float32Array {
  for (let row = 0; row < wanted.rows; row++) {
    const source = (wanted.row + row) * columns + wanted.column;
    values.copyWithin(row * wanted.columns, source, source + wanted.columns);
  }
  return values.subarray(0, wanted.rows * wanted.columns);
}

async function perform(id: number, job: Job): Promise<void> {
  if (job.kind === 'encode') {
    const model = modelOf(job.model);
    const { operations, cutoff } = model.config;
    const embeddings = await model.sessions.encode(encoderFeatures(job.graph, operations, cutoff));
    send({ kind: 'embeddings', id, embeddings });
  } else {
    send({ kind: 'filled', id, crc32: await (job.kind === 'tile' ? decodeTile(job) : decodeFactors(job)) });
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
