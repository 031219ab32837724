/** Worker threads that encode and decode, so that the thread that speaks gRPC never computes. */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { abortError } from '../errors';
import type { ArchitectureGraph } from '../graph/graph';
import type { SpectrumValues } from './inspection/spectrum';
import type { Tally } from './inspection/tally';
import { TILE_ELEMENTS } from '../plan/tile';
import { TurnQueue } from '../turn-queue';
import type {
  FillJob,
  Job,
  PackedGraph,
  PoolMessage,
  SpectrumJob,
  TallyJob,
  WorkerMessage,
  WorkerSetup,
} from './worker-protocol';

/** Jobs that a worker holds at a time: one that it does and one that it need not wait for. */
const JOBS_PER_WORKER = 2;

/** Of a job of small tensors, which take longer than their bytes say. */
const LEAST_COST = 0.25;

/** A worker's own objects are few and short-lived; a small nursery keeps them from spreading over memory. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 4 };

interface Pending {
  readonly job: Job;
  readonly signal: AbortSignal;
  readonly resolve: (message: WorkerMessage) => void;
  readonly reject: (error: Error) => void;
}

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Pending>;
}

/**
 * A pool of decode workers. Callers take turns, then the streams of each, and a stream's jobs start in the order in which
 * they were asked for; one whose signal has aborted by then does not start, and rejects with the signal's reason.
 */
export class DecodePool {
  readonly #members: Member[];
  readonly #queue = new TurnQueue<Pending>();
  readonly #onFailure: (error: Error) => void;
  readonly #idle: (() => void)[] = [];
  #nextId = 0;
  #closed = false;

  private constructor(workers: readonly Worker[], onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    this.#members = workers.map((worker) => {
      const member: Member = { worker, jobs: new Map() };
      worker.on('message', (message: WorkerMessage) => {
        this.#receive(member, message);
      });
      worker.on('error', (error) => {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      });
      worker.on('exit', (code) => {
        if (!this.#closed) this.#fail(new Error(`a decode worker ended with code ${code}`));
      });
      return member;
    });
  }

  /**
   * Starts a worker for each setup and waits until it has loaded every model. Rejects with the first worker's error.
   * `onFailure` hears of a worker that dies later; the pool is of no use from then on.
   */
  static async start(setups: readonly WorkerSetup[], onFailure: (error: Error) => void): Promise<DecodePool> {
    const workers: Worker[] = [];
    try {
      // One after the other: what does not load in the first worker will not in the others.
      for (const setup of setups) workers.push(await startWorker(setup));
    } catch (error) {
      await Promise.all(workers.map(endWorker));
      throw error;
    }
    return new DecodePool(workers, onFailure);
  }

  /** Number of workers. */
  get size(): number {
    return this.#members.length;
  }

  /** Workers that have something to do. */
  get busy(): number {
    return this.#members.filter(({ jobs }) => jobs.size > 0).length;
  }

  /** Jobs that workers have. */
  get running(): number {
    return this.#members.reduce((sum, { jobs }) => sum + jobs.size, 0);
  }

  /** Jobs that no worker has yet. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Node embeddings [N, hid] of a graph; `model` is the model's fingerprint. */
  async encode(
    model: string,
    graph: ArchitectureGraph | PackedGraph,
    signal: AbortSignal,
    caller = '',
  ): Promise<Float32Array> {
    const message = await this.#run({ kind: 'encode', model, graph }, signal, caller);
    if (message.kind !== 'embeddings')
      throw new Error(`a worker answered an encode job with ${message.kind}`);
    return message.embeddings;
  }

  /** Fills a buffer; resolves with the CRC-32 of each item's bytes. */
  async decode(job: FillJob, signal: AbortSignal, caller = ''): Promise<readonly number[]> {
    const message = await this.#run(job, signal, caller);
    if (message.kind !== 'filled')
      throw new Error(`a worker answered a ${job.kind} job with ${message.kind}`);
    return message.crc32;
  }

  /** Counts the elements of a tile. */
  async tally(job: TallyJob, signal: AbortSignal, caller = ''): Promise<Tally> {
    const message = await this.#run(job, signal, caller);
    if (message.kind !== 'tallied')
      throw new Error(`a worker answered a ${job.kind} job with ${message.kind}`);
    return message.tally;
  }

  /** Singular values of a tensor. */
  async spectrum(job: SpectrumJob, signal: AbortSignal, caller = ''): Promise<SpectrumValues> {
    const message = await this.#run(job, signal, caller);
    if (message.kind !== 'spectrum')
      throw new Error(`a worker answered a ${job.kind} job with ${message.kind}`);
    return message.spectrum;
  }

  /** Resolves when every job that was asked for is done; for who closes a pool whose buffers are used elsewhere. */
  async whenIdle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Ends the workers after the tile that each is at; jobs not yet done are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rejectAll(new Error('the decode pool is closed'));
    await Promise.all(this.#members.map(({ worker }) => endWorker(worker)));
  }

  #run(job: Job, signal: AbortSignal, caller: string): Promise<WorkerMessage> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the decode pool is closed'));
        return;
      }
      this.#queue.push({ job, signal, resolve, reject }, { caller, stream: signal }, costOf(job));
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (;;) {
      const member = this.#members.reduce((least, other) =>
        other.jobs.size < least.jobs.size ? other : least,
      );
      if (member.jobs.size >= JOBS_PER_WORKER) return;
      const pending = this.#nextPending();
      if (pending === undefined) return;
      const id = this.#nextId++;
      member.jobs.set(id, pending);
      const message: PoolMessage = { kind: 'job', id, job: pending.job };
      member.worker.postMessage(message);
    }
  }

  #nextPending(): Pending | undefined {
    for (;;) {
      const pending = this.#queue.shift();
      if (pending?.signal.aborted !== true) return pending;
      pending.reject(abortError(pending.signal));
    }
  }

  #receive(member: Member, message: WorkerMessage): void {
    if (message.kind === 'ready') return;
    const pending = member.jobs.get(message.id);
    if (pending === undefined) return;
    member.jobs.delete(message.id);
    if (message.kind === 'failed') pending.reject(new Error(message.message));
    else pending.resolve(message);
    this.#dispatch();
    this.#wakeIdle();
  }

  get #isIdle(): boolean {
    return this.#queue.size === 0 && this.busy === 0;
  }

  #wakeIdle(): void {
    if (!this.#isIdle) return;
    for (const wake of this.#idle.splice(0)) wake();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rejectAll(error);
    this.#onFailure(error);
  }

  #rejectAll(error: Error): void {
    const pending = [...this.#queue.clear(), ...this.#members.flatMap(({ jobs }) => [...jobs.values()])];
    for (const member of this.#members) member.jobs.clear();
    for (const { reject } of pending) reject(error);
    this.#wakeIdle();
  }
}

/** What a job counts for among those of other callers: a whole tile is 1. */
function costOf(job: Job): number {
  return job.kind === 'fill' ? Math.max(LEAST_COST, job.buffer.byteLength / (TILE_ELEMENTS * 4)) : 1;
}

/** A worker that has loaded every model. Rejects with its error; the thread has ended then. */
async function startWorker(setup: WorkerSetup): Promise<Worker> {
  const worker = new Worker(workerFile(), { workerData: setup, resourceLimits: WORKER_LIMITS });
  await once(worker, 'message');
  return worker;
}

/** Asks a worker to end and waits until it has: ending it from outside, amid native code, aborts the process. */
async function endWorker(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  const ended = once(worker, 'exit');
  const message: PoolMessage = { kind: 'close' };
  worker.postMessage(message);
  await ended;
}

/** The worker's compiled file; under a test runner that compiles on the fly, the one of the last build. */
function workerFile(): string {
  const beside = join(__dirname, 'decode-worker.js');
  return existsSync(beside) ? beside : join(__dirname, '../../dist/decode/decode-worker.js');
}
