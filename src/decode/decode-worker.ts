/** The worker thread: holds the sessions and does one job after the other. */

import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from '../checksum/crc32';
import { encoderFeatures } from '../graph/features';
import type { HypernetConfig } from '../hypernet/manifest';
import { BundleSessions } from '../hypernet/sessions';
import { fewestRows } from '../plan/core';
import { decodePart } from './decode';
import { fillByRule } from './decode-by-rule';
import { bytesPerElement, convert, type ElementType } from '../element-type';
import { FactorStore } from './factor-store';
import { spectrumOf, type SpectrumValues } from './inspection/spectrum';
import { tallyOf } from './inspection/tally';
import { liftPart } from './lift';
import { unpackGraph } from './packed-graph';
import type { FillRecipe, MatrixRecipe, ScaledRecipe } from '../plan/recipe';
import { scaleOf } from './scale';
import { ScaleStore } from './scale-store';
import { boundsOf, crop } from '../plan/runs';
import { createScratch } from './worker-scratch';
import type { DecodeContext, TilePart } from './tile-part';
import { deviationOf } from './deviation';
import type {
  CoreItem,
  FactorsItem,
  FillItem,
  FillJob,
  Job,
  PoolMessage,
  SpectrumJob,
  TileItem,
  WorkerMessage,
  WorkerSetup,
} from './worker-protocol';

const port = parentPort;
if (port === null) throw new Error('decode-worker runs as a worker thread');

const setup = workerData as WorkerSetup;
const sessions = new Map<string, BundleSessions>();
const configs = new Map(setup.bundles.map(({ manifest, fingerprint }) => [fingerprint, manifest.hypernet]));
const factors = new FactorStore();
const scales = new ScaleStore();
const scratch = createScratch();

interface LoadedModel {
  readonly sessions: BundleSessions;
  readonly config: HypernetConfig;
}

function modelOf(fingerprint: string): LoadedModel {
  const found = sessions.get(fingerprint);
  const config = configs.get(fingerprint);
  if (found === undefined || config === undefined) throw new Error(`no model ${fingerprint} in this worker`);
  return { sessions: found, config };
}

function send(message: WorkerMessage): void {
  port?.postMessage(message);
}

async function fillBuffer(job: FillJob): Promise<number[]> {
  const model = modelOf(job.model);
  const sums: number[] = [];
  for (const item of job.items) {
    sums.push(crc32(await fillItem(item, job, model)));
  }
  return sums;
}

/** The bytes written. */
async function fillItem(
  item: FillItem,
  { buffer, requestKey }: FillJob,
  model: LoadedModel,
): Promise<Uint8Array> {
  switch (item.kind) {
    case 'tile':
      return write(buffer, item.at, await decodeTile(item, requestKey, model), item.elementType);
    case 'factors':
      return write(buffer, item.at, await decodeFactors(item, model), 'f32');
    case 'core':
      return writeCore(buffer, item, requestKey, model);
  }
}

async function decodeTile(item: TileItem, requestKey: string, model: LoadedModel): Promise<Float32Array> {
  const { noise, wanted, rows, columns } = item;
  const values = scratch.tile.take(rows * columns);
  const bounds = boundsOf(wanted, { rows, columns });
  const context = contextOf(item, requestKey, model);
  for (const part of item.parts) {
    await decodePart(part, context, values, columns);
    if (noise !== undefined) await liftPart(part, noise, bounds, context, values, columns);
  }
  return crop(values, wanted);
}

function contextOf(
  { stream }: Pick<TileItem, 'stream'>,
  requestKey: string,
  model: LoadedModel,
): DecodeContext {
  const { sessions: session, config } = model;
  return { sessions: session, factors, scales, rank: config.rank, requestKey, stream, scratch };
}

async function decodeFactors(item: FactorsItem, model: LoadedModel): Promise<Float32Array> {
  const { rank } = model.config;
  const values = scratch.tile.take(
    item.blocks.reduce((sum, { recipe: { m, n } }) => sum + (m + n) * rank, 0),
  );
  let at = 0;
  const take = (rows: number): Float32Array => {
    const start = at;
    at += rows * rank;
    return values.subarray(start, at);
  };
  for (const { embedding, recipe, transposed } of item.blocks) {
    const [first, second] = transposed ? [take(recipe.n), take(recipe.m)] : [take(recipe.m), take(recipe.n)];
    const [a, b] = transposed ? [second, first] : [first, second];
    await model.sessions.factors(embedding, recipe.slot, { a, b });
    const scale = scaleOf(recipe, { a, b }, rank);
    for (let index = 0; index < a.length; index++) a[index] = (a[index] as number) * scale;
  }
  return values;
}

async function writeCore(
  buffer: SharedArrayBuffer,
  item: CoreItem & FillItem,
  requestKey: string,
  model: LoadedModel,
): Promise<Uint8Array> {
  const { sessions: session, config } = model;
  const bytes = new Uint8Array(buffer);
  let end = item.at;
  const append = (values: Float32Array | Float64Array | Uint16Array | Uint32Array): void => {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), end);
    end += values.byteLength;
  };
  for (const block of item.blocks) {
    switch (block.kind) {
      case 'product': {
        // The expanded rows are not wanted, so as few as have the same core.
        const [m, n] = [fewestRows(block.m, config), fewestRows(block.n, config)];
        const { a, b } = await session.cores(block.embedding, block.slot, m, n);
        if (block.scaled !== undefined) {
          append(Float64Array.of(await scaleOfCore(block, block.scaled, model)));
        }
        if (block.noise !== undefined) {
          const { lift, stream, of } = block.noise;
          append(
            Float64Array.of(lift * (await deviationOf(of.recipe, of, contextOf(item, requestKey, model)))),
          );
          append(Uint32Array.from(stream));
        }
        append(a);
        append(b);
        break;
      }
      case 'constant':
        append(Float32Array.of(block.value));
        break;
      case 'rule':
        append(Uint32Array.from(item.stream));
        break;
      case 'elements':
        append(elementsOf(block.part, item));
        break;
    }
  }
  return bytes.subarray(item.at, end);
}

/** The scale of a block whose factors are expanded for that alone, if at all. */
async function scaleOfCore(
  { embedding, slot, m, n }: { readonly embedding: Float32Array } & Pick<MatrixRecipe, 'slot' | 'm' | 'n'>,
  recipe: ScaledRecipe,
  { sessions: session, config: { rank } }: LoadedModel,
): Promise<number> {
  if (typeof recipe.scale === 'number') return recipe.scale;
  const values = scratch.tile.take((m + n) * rank);
  const expanded = { a: values.subarray(0, m * rank), b: values.subarray(m * rank) };
  await session.factors(embedding, slot, expanded);
  return scaleOf(recipe, expanded, rank);
}

/** The elements of a part by rule, row-major and close together. */
function elementsOf(
  part: TilePart & { readonly recipe: FillRecipe },
  { stream, columns, elementType }: CoreItem,
): Float32Array | Uint16Array {
  const tile = scratch.tile.take(part.rows * columns);
  fillByRule(part.recipe, part, stream, tile, columns);
  const runs = { start: part.column, length: part.columns, count: part.rows, stride: columns };
  const values = crop(tile, { runs, first: 0 });
  if (elementType === 'f32') return values;
  const narrow = new Uint16Array(values.length);
  convert(values, narrow, elementType);
  return narrow;
}

/** ONNX Runtime writes to no shared memory, so this copies. The bytes written. */
function write(
  buffer: SharedArrayBuffer,
  at: number,
  values: Float32Array,
  elementType: ElementType,
): Uint8Array {
  if (elementType === 'f32') {
    new Float32Array(buffer, at, values.length).set(values);
    // The same bytes; shared memory is slower to read.
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  convert(values, new Uint16Array(buffer, at, values.length), elementType);
  return new Uint8Array(buffer, at, values.length * bytesPerElement(elementType));
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
      send({ kind: 'filled', id, crc32: await fillBuffer(job) });
      return;
    case 'tally': {
      const values = await decodeTile(job.tile, job.requestKey, modelOf(job.model));
      send({ kind: 'tallied', id, tally: tallyOf(values, job.first, job.request) });
      return;
    }
    case 'spectrum':
      send({ kind: 'spectrum', id, spectrum: await spectrum(job) });
  }
}

async function spectrum({ model, pieces, rows, columns }: SpectrumJob): Promise<SpectrumValues> {
  const { sessions: session, config } = modelOf(model);
  const factored = [];
  for (const piece of pieces) {
    const { m, n, slot } = piece.recipe;
    const decoded = { a: new Float32Array(m * config.rank), b: new Float32Array(n * config.rank) };
    await session.factors(piece.embedding, slot, decoded);
    factored.push({ ...piece, factors: decoded });
  }
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
