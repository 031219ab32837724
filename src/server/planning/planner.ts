/**
 * Plans on a thread of its own, for all sets of models of a server. Requests wait in a queue; one that nobody waits for any
 * more leaves it.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { abortError, LogahError } from '../../errors';
import type { Caller } from '../security/caller';
import { PlanQueue, type QueueBounds } from './plan-queue';
import type {
  PlannedCall,
  PlannerMessage,
  PlanningMessage,
  PlanningSetup,
  PlanTask,
} from './planning-protocol';
import { SetPlanner, type SetsPlanner, type ToPlan } from './set-planner';

/**
 * Memory of the thread's objects, in MB. A request within the bounds takes a fraction of it; a small nursery keeps what
 * is thrown away from spreading over memory.
 */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4 };

/** Threads that end one after the other without having planned anything in between. */
const MAX_FAILURES = 3;

/** What an own buffer holds at most besides the bytes that are wanted of it: gRPC's prefix. */
const MOST_BESIDE_BYTES = 64;

interface Waiting extends Omit<ToPlan, 'signal'> {
  readonly set: number;
  readonly resolve: (call: PlannedCall) => void;
  readonly reject: (error: Error) => void;
}

interface Active extends Waiting {
  readonly id: number;
  readonly abandoned: Int32Array;
}

export class Planner implements SetsPlanner {
  /** Resolves when the thread can plan. */
  readonly ready: Promise<void>;
  readonly #onFailure: (error: Error) => void;
  readonly #queue: PlanQueue<Waiting>;
  /** What the thread plans with, by set, for another that takes its place. */
  readonly #sets = new Map<number, PlanningSetup>();
  #worker: Worker | undefined;
  /** A thread that does not listen yet. */
  #starting: Worker | undefined;
  #active: Active | undefined;
  #nextId = 0;
  #nextSet = 0;
  #failures = 0;
  #closed = false;

  /** Starts the thread. `onFailure` hears where it ends again and again. */
  constructor(bounds: QueueBounds, onFailure: (error: Error) => void) {
    this.#queue = new PlanQueue(bounds);
    this.#onFailure = onFailure;
    this.ready = this.#startWorker();
    this.ready.catch((error: unknown) => {
      this.#end(error);
    });
  }

  /** What plans with a further set of models, until it is closed. */
  add(setup: PlanningSetup): SetPlanner {
    const set = this.#nextSet++;
    this.#sets.set(set, setup);
    this.#tell({ kind: 'add', set, setup });
    return new SetPlanner(this, set);
  }

  /** Forgets a set, for which nobody plans any more. */
  drop(set: number): void {
    if (this.#sets.delete(set)) this.#tell({ kind: 'drop', set });
  }

  /** Requests that wait or are being planned. */
  get length(): number {
    return this.#queue.length + (this.#active ? 1 : 0);
  }

  /**
   * Throws LogahError (resource_exhausted) where a caller's next request would wait too long, or until after its deadline
   * (milliseconds since 1970).
   */
  requireRoom(caller: Caller, deadline: number): void {
    this.#queue.require(caller, deadline);
  }

  /**
   * Plans a request from its bytes, with a set of models. Rejects with LogahError: what is wrong with it, that it has waited
   * too long, or the signal's reason as soon as it aborts.
   */
  plan(set: number, { signal, ...wanted }: ToPlan): Promise<PlannedCall> {
    return new Promise((resolve, reject) => {
      if (signal.aborted || this.#closed) {
        reject(signal.aborted ? abortError(signal) : new Error('the planner is closed'));
        return;
      }
      const onAbort = (): void => {
        this.#abandon(waiting);
        clearTimeout(timer);
        reject(abortError(signal));
      };
      const overdue = (): void => {
        if (this.#queue.remove(waiting)) waiting.reject(this.#queue.overdue());
      };
      const timer = wanted.isFirst === true ? undefined : setTimeout(overdue, this.#queue.maxWaitMs);
      timer?.unref();
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      const waiting: Waiting = {
        ...wanted,
        set,
        resolve: (call) => {
          settle();
          resolve(call);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (wanted.isFirst === true) this.#queue.pushFirst(waiting);
      else this.#queue.push(waiting);
      this.#next();
    });
  }

  /** Ends the thread, also one that is about to take its place; what is not planned is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rejectAll(new Error('the planner is closed'));
    await Promise.all([this.#worker?.terminate(), this.#starting?.terminate()]);
  }

  #next(): void {
    if (this.#active !== undefined || this.#worker === undefined) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    this.#queue.begin();
    const abandoned = new Int32Array(new SharedArrayBuffer(4));
    const id = this.#nextId++;
    this.#active = { ...waiting, id, abandoned };
    const { set, kind, caller, mayTake } = waiting;
    const bytes = mayTake === true ? movable(waiting.bytes) : Uint8Array.from(waiting.bytes);
    const task: PlanTask = { id, set, kind, bytes, scopes: caller.scopes, abandoned };
    this.#tell({ kind: 'plan', task }, [bytes.buffer]);
  }

  /** A thread that does not listen yet is told of all sets when it does. */
  #tell(message: PlannerMessage, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transferred);
  }

  #abandon(waiting: Waiting): void {
    if (this.#active?.resolve === waiting.resolve) Atomics.store(this.#active.abandoned, 0, 1);
    this.#queue.remove(waiting);
  }

  #receive(message: PlanningMessage): void {
    if (message.kind === 'ready') return;
    this.#failures = 0;
    const active = this.#active;
    if (active?.id !== message.id) return;
    this.#active = undefined;
    // One that was given up says nothing of the next ones.
    this.#queue.end(Atomics.load(active.abandoned, 0) === 0);
    switch (message.kind) {
      case 'planned':
        active.resolve(message.call);
        break;
      case 'refused': {
        const { kind, message: text, violations, retryAfterMs, reason, metadata } = message.error;
        active.reject(
          new LogahError(kind, text, {
            violations,
            metadata,
            ...(reason !== undefined && { reason }),
            ...(retryAfterMs !== undefined && { retryAfterMs }),
          }),
        );
        break;
      }
      case 'failed': {
        const error = new Error('a request could not be planned');
        error.stack = message.stack;
        active.reject(error);
        break;
      }
    }
    this.#next();
  }

  async #startWorker(): Promise<void> {
    const worker = new Worker(workerFile(), { resourceLimits: HEAP_LIMITS });
    this.#starting = worker;
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        resolve();
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(new Error('the planning thread ended before it began'));
      });
    });
    this.#starting = undefined;
    worker.removeAllListeners('error');
    worker.removeAllListeners('exit');
    worker.on('message', (message: PlanningMessage) => {
      this.#receive(message);
    });
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.once('exit', (code) => {
      this.#replace(cause ?? new Error(`the planning thread ended with code ${code}`));
    });
    this.#worker = worker;
    for (const [set, setup] of this.#sets) this.#tell({ kind: 'add', set, setup });
    this.#next();
  }

  /** The request that ended the thread fails; the others get another thread. */
  #replace(cause: unknown): void {
    if (this.#closed) return;
    this.#worker = undefined;
    const active = this.#active;
    this.#active = undefined;
    this.#queue.end(false);
    active?.reject(endOf(cause));
    const fail = (error: unknown): void => {
      if (!this.#closed) this.#onFailure(this.#end(error));
    };
    if (++this.#failures > MAX_FAILURES) fail(cause);
    else this.#startWorker().catch(fail);
  }

  /** Plans nothing from now on. */
  #end(error: unknown): Error {
    this.#closed = true;
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#rejectAll(reason);
    return reason;
  }

  #rejectAll(error: Error): void {
    const waiting = [...(this.#active ? [this.#active] : []), ...this.#queue.clear()];
    this.#active = undefined;
    for (const { reject } of waiting) reject(error);
  }
}

/** The bytes in memory that can move to another thread: their own, or a copy where they share it with others. */
function movable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength <= length + MOST_BESIDE_BYTES;
  return isOwn ? new Uint8Array(buffer, byteOffset, length) : Uint8Array.from(bytes);
}

function endOf(cause: unknown): Error {
  const isMemory = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isMemory
    ? new LogahError(
        'resource_exhausted',
        'planning this request takes more memory than this server has for it',
      )
    : new Error('the planning thread ended', { cause });
}

/** The worker's compiled file; under a test runner that compiles on the fly, the one of the last build. */
function workerFile(): string {
  const beside = join(__dirname, 'planning-worker.js');
  return existsSync(beside) ? beside : join(__dirname, '../../../dist/server/planning/planning-worker.js');
}
