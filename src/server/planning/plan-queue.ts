/**
 * Requests that wait to be planned. Callers take turns, so that one caller's large graphs delay another's by one plan at
 * most. How long plans took of late tells how long one that comes now would wait; what would wait too long is refused at
 * once.
 */

import { LogahError } from '../../errors';
import { Pace } from '../admission/pace';
import type { RefusalReason } from '../security/events';

const SOONEST_MS = 50;
const LATEST_MS = 30_000;

/** How much may wait. */
export interface QueueBounds {
  /** Requests of all callers together. */
  readonly maxQueued: number;
  /** How long one may be expected to wait, or wait, in seconds. */
  readonly maxQueueSeconds: number;
}

/** Whoever waits in the queue. */
export interface Queued {
  readonly caller: { readonly identity: string };
  readonly reject: (error: Error) => void;
}

export class PlanQueue<Item extends Queued> {
  readonly #bounds: QueueBounds;
  /** Requests by caller; the caller whose turn it is comes first. */
  readonly #queues = new Map<string, Item[]>();
  /** The server's own, before all others. */
  readonly #first: Item[] = [];
  readonly #pace = new Pace();
  readonly #now: () => number;
  #length = 0;
  /** When what is being planned began; undefined: nothing is. */
  #begun: number | undefined;

  /** `now`: a clock, in milliseconds. */
  constructor(bounds: QueueBounds, now = (): number => performance.now()) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** Requests that wait. */
  get length(): number {
    return this.#length;
  }

  /**
   * Throws LogahError (resource_exhausted), with advice to try again, where a caller's next request would wait too long, or
   * until after its deadline (milliseconds since 1970), or too many wait: then the caller that has the most of them loses
   * its newest one instead where this one has fewer.
   */
  require({ identity }: Queued['caller'], deadline: number): void {
    const { maxQueued, maxQueueSeconds } = this.#bounds;
    const wait = this.waitMs(identity);
    const left = deadline - Date.now();
    if (wait > 0 && wait >= left) {
      throw refusal(
        'DEADLINE_TOO_NEAR',
        `a request waits ${seconds(wait)} to be planned now, and the deadline of this one is in ${seconds(Math.max(0, left))}`,
        wait,
      );
    }
    if (wait > maxQueueSeconds * 1000) throw this.#tooLong(wait);
    if (this.#length < maxQueued) return;
    const [longest, items] = this.#longest();
    const full = refusal(
      'QUEUE_FULL',
      `${this.#length} requests wait to be planned; this server allows ${maxQueued} (--max-queued)`,
      wait,
    );
    const newest = items.at(-1);
    if (newest === undefined || items.length <= 1 + (this.#queues.get(identity)?.length ?? 0)) throw full;
    this.remove(newest, longest);
    newest.reject(full);
  }

  /** Milliseconds that a caller's next request would wait, as far as plans go on as they did of late. */
  waitMs(identity: string): number {
    const mean = this.#pace.meanMs ?? 0;
    const own = this.#queues.get(identity)?.length ?? 0;
    let ahead = own + this.#first.length;
    for (const [other, { length }] of this.#queues)
      if (other !== identity) ahead += Math.min(length, own + 1);
    const active = this.#begun === undefined ? 0 : Math.max(0, mean - (this.#now() - this.#begun));
    return ahead * mean + active;
  }

  /** Adds one. */
  push(item: Item): void {
    const { identity } = item.caller;
    const queue = this.#queues.get(identity);
    if (queue === undefined) this.#queues.set(identity, [item]);
    else queue.push(item);
    this.#length++;
  }

  /** Adds one that comes before all others, as many as there are; it is none of those that are bounded. */
  pushFirst(item: Item): void {
    this.#first.push(item);
  }

  /** The next one, whose turn it is; its caller stands last afterwards. */
  shift(): Item | undefined {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    const [turn] = this.#queues;
    if (turn === undefined) return undefined;
    const [identity, queue] = turn;
    this.#queues.delete(identity);
    const item = queue.shift();
    if (queue.length > 0) this.#queues.set(identity, queue);
    if (item !== undefined) this.#length--;
    return item;
  }

  /** Takes one out before its turn; false where it waits no more. */
  remove(item: Item, identity = item.caller.identity): boolean {
    const ahead = this.#first.indexOf(item);
    if (ahead >= 0) {
      this.#first.splice(ahead, 1);
      return true;
    }
    const queue = this.#queues.get(identity);
    const at = queue?.indexOf(item) ?? -1;
    if (queue === undefined || at < 0) return false;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(identity);
    this.#length--;
    return true;
  }

  /** Takes all out. */
  clear(): Item[] {
    const items = [...this.#first.splice(0), ...[...this.#queues.values()].flat()];
    this.#queues.clear();
    this.#length = 0;
    return items;
  }

  /** A plan has begun. */
  begin(): void {
    this.#begun = this.#now();
  }

  /** It has ended, after a time that says something of the next ones, or not. */
  end(isTypical: boolean): void {
    if (this.#begun !== undefined && isTypical) this.#pace.took(this.#now() - this.#begun);
    this.#begun = undefined;
  }

  /** What one is told that has waited for as long as anything may. */
  overdue(): LogahError {
    return this.#tooLong(this.#bounds.maxQueueSeconds * 1000);
  }

  get maxWaitMs(): number {
    return this.#bounds.maxQueueSeconds * 1000;
  }

  #tooLong(wait: number): LogahError {
    const { maxQueueSeconds } = this.#bounds;
    return refusal(
      'QUEUE_TOO_LONG',
      `a request waits ${seconds(wait)} to be planned now; this server allows ${maxQueueSeconds} s (--max-queue-seconds)`,
      wait - maxQueueSeconds * 1000 + (this.#pace.meanMs ?? 0),
    );
  }

  #longest(): readonly [string, readonly Item[]] {
    let longest: readonly [string, readonly Item[]] = ['', []];
    for (const entry of this.#queues) if (entry[1].length > longest[1].length) longest = entry;
    return longest;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function refusal(
  reason: Extract<RefusalReason, 'DEADLINE_TOO_NEAR' | `QUEUE_${string}`>,
  message: string,
  retryAfterMs: number,
): LogahError {
  return new LogahError('resource_exhausted', message, {
    reason,
    retryAfterMs: Math.round(Math.min(LATEST_MS, Math.max(SOONEST_MS, retryAfterMs))),
  });
}
