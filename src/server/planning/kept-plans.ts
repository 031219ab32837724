/**
 * Plans that several callers want: every rank of a job sends the same request. Equal requests are planned once for all who
 * wait for them, and the last plans are kept, by the request's bytes.
 */

import { createHash } from 'node:crypto';
import { abortError, LogahError } from '../../errors';
import type { Caller } from '../security/caller';
import { Turns } from '../turns';
import type { PlannedCall, PlannedRpc } from './planning-protocol';
import type { SetPlanner } from './set-planner';

/** Larger requests are planned each time: their digests would keep the thread that speaks gRPC too long. */
const MAX_REQUEST_BYTES = 2 ** 20;

/** One for all places: an abort without a reason makes an error with a stack for each. */
const GIVEN_UP = new LogahError('cancelled', 'nobody waits for this plan');

interface Waiting {
  readonly resolve: (call: PlannedCall) => void;
  readonly reject: (error: unknown) => void;
}

/** A request that is being planned. */
interface Shared {
  readonly waiting: Set<Waiting>;
  /** A place in the planner's queue for each caller who waits, so that none waits for another's turn. */
  readonly places: Map<string, AbortController>;
}

export class KeptPlans {
  readonly #planner: Pick<SetPlanner, 'plan' | 'requireRoom'>;
  readonly #limit: number;
  /** By digest, the least recently used first. */
  readonly #kept = new Map<string, PlannedCall>();
  readonly #shared = new Map<string, Shared>();
  /** A thousand may wait for one plan, and each of them goes on with it. */
  readonly #answers = new Turns();
  #bytes = 0;

  /** `limit`: bytes of the plans that are kept. */
  constructor(planner: Pick<SetPlanner, 'plan' | 'requireRoom'>, limit: number) {
    this.#planner = planner;
    this.#limit = limit;
  }

  /**
   * As `SetPlanner.plan`; what it resolves with may be others' too, and must not be changed. Rejects at once with LogahError
   * (resource_exhausted) where it would wait too long, or until after `deadline`, in milliseconds since 1970.
   */
  async plan(
    kind: PlannedRpc,
    bytes: Uint8Array,
    caller: Caller,
    signal: AbortSignal,
    deadline = Infinity,
    mayTake = false,
  ): Promise<PlannedCall> {
    if (bytes.length > MAX_REQUEST_BYTES || signal.aborted) {
      this.#planner.requireRoom(caller, deadline);
      return this.#planner.plan(kind, bytes, caller, signal, mayTake);
    }
    // What is refused to one caller must not come from another's plan.
    const { models, parameters } = caller.scopes;
    const scope = JSON.stringify([kind, models, String(parameters)]);
    const key = createHash('sha256').update(scope).update(bytes).digest('base64');
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    // What waits already waits for this caller as well.
    if (this.#shared.get(key)?.places.has(caller.identity) !== true) {
      this.#planner.requireRoom(caller, deadline);
    }
    return new Promise((resolve, reject) => {
      const shared = this.#shared.get(key) ?? { waiting: new Set(), places: new Map() };
      this.#shared.set(key, shared);
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort);
        shared.waiting.delete(waiting);
      };
      const onAbort = (): void => {
        leave();
        reject(abortError(signal));
        if (shared.waiting.size === 0) this.#end(key, shared);
      };
      const waiting: Waiting = {
        resolve: (call) => {
          leave();
          resolve(call);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      shared.waiting.add(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
      if (!shared.places.has(caller.identity)) this.#queue(key, shared, kind, bytes, caller);
    });
  }

  /** The first place whose turn comes answers all who wait. */
  #queue(key: string, shared: Shared, kind: PlannedRpc, bytes: Uint8Array, caller: Caller): void {
    const place = new AbortController();
    shared.places.set(caller.identity, place);
    this.#planner.plan(kind, bytes, caller, place.signal).then(
      (call) => {
        if (this.#shared.get(key) !== shared) return;
        this.#keep(key, call);
        this.#answer(key, shared, ({ resolve }) => {
          resolve(call);
        });
      },
      (error: unknown) => {
        if (this.#shared.get(key) !== shared) return;
        shared.places.delete(caller.identity);
        // What is wrong with the request is wrong for all; a place that was lost is not, as long as another waits.
        if (isOfQueue(error) && shared.places.size > 0) return;
        this.#answer(key, shared, ({ reject }) => {
          reject(error);
        });
      },
    );
  }

  /** Answers all who wait now; who comes from then on asks anew. */
  #answer(key: string, shared: Shared, answer: (waiting: Waiting) => void): void {
    for (const waiting of [...shared.waiting]) {
      this.#answers.run(() => {
        answer(waiting);
      });
    }
    this.#end(key, shared);
  }

  /** Gives up the places that are left; their errors are nobody's. */
  #end(key: string, shared: Shared): void {
    if (this.#shared.get(key) !== shared) return;
    this.#shared.delete(key);
    for (const place of shared.places.values()) place.abort(GIVEN_UP);
  }

  #keep(key: string, call: PlannedCall): void {
    const bytes = bytesOf(call);
    if (bytes > this.#limit) return;
    this.#kept.set(key, call);
    this.#bytes += bytes;
    for (const [oldest, plan] of this.#kept) {
      if (this.#bytes <= this.#limit) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytesOf(plan);
    }
  }
}

function isOfQueue(error: unknown): boolean {
  return (
    error instanceof LogahError && error.kind === 'resource_exhausted' && error.retryAfterMs !== undefined
  );
}

/** What a plan holds, its objects left out. */
function bytesOf({ message, streamed }: PlannedCall): number {
  return (
    message.length + (streamed === undefined ? 0 : streamed.graph.length + streamed.tensors.bytes.length)
  );
}
