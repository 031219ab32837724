/** What plans with one set of models: its place at the planner of all of them. */

import type { Caller } from '../security/caller';
import type { PlannedCall, PlannedRpc } from './planning-protocol';

/** What is to be planned, for whom. */
export interface ToPlan {
  readonly kind: PlannedRpc;
  /** The request. */
  readonly bytes: Uint8Array;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** The bytes may be gone afterwards: nobody else needs them. */
  readonly mayTake?: boolean;
  /** Is planned next, and waits for as long as that takes: the server itself asks. */
  readonly isFirst?: boolean;
}

/** What plans with all sets, each by its number. */
export interface SetsPlanner {
  requireRoom(caller: Caller, deadline: number): void;
  plan(set: number, wanted: ToPlan): Promise<PlannedCall>;
  drop(set: number): void;
}

export class SetPlanner {
  readonly #planner: SetsPlanner;
  readonly #set: number;

  /** `set`: what the planner knows it by. */
  constructor(planner: SetsPlanner, set: number) {
    this.#planner = planner;
    this.#set = set;
  }

  /**
   * Throws LogahError (resource_exhausted) where a caller's next request would wait too long, or until after its deadline
   * (milliseconds since 1970).
   */
  requireRoom(caller: Caller, deadline: number): void {
    this.#planner.requireRoom(caller, deadline);
  }

  /**
   * Plans a request from its bytes. Rejects with LogahError: what is wrong with it, that it has waited too long, or the
   * signal's reason as soon as it aborts. With `mayTake`, the bytes may be gone afterwards: nobody else needs them.
   */
  plan(
    kind: PlannedRpc,
    bytes: Uint8Array,
    caller: Caller,
    signal: AbortSignal,
    mayTake = false,
  ): Promise<PlannedCall> {
    return this.#planner.plan(this.#set, { kind, bytes, caller, signal, mayTake });
  }

  /** Plans what the server itself asks for, before all that waits. */
  planFirst(kind: PlannedRpc, bytes: Uint8Array, caller: Caller, signal: AbortSignal): Promise<PlannedCall> {
    return this.#planner.plan(this.#set, { kind, bytes, caller, signal, isFirst: true });
  }

  /** Lets the set go; nobody must plan with it any more. */
  close(): void {
    this.#planner.drop(this.#set);
  }
}
