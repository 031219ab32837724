import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { LogahError } from '../../errors';
import { verdictOn } from './broken-off';
import { throwIfAborted } from './call';
import { ProtocolError } from '../protocol-error';
import { RemoteError } from '../remote-error';
import type { Replica, Replicas } from './replicas';
import { explained } from './wrong-port';

/** How a client goes on where a call fails that can be made again. */
export interface Persistence {
  /**
   * Milliseconds, from the failure on, that a call may bring nothing new before it is given up; 0: it is made once.
   * Default: a minute, and two seconds as long as no server has answered at all, for an address may be wrong.
   */
  readonly patienceMs?: number | undefined;
  /**
   * Milliseconds without a message after which a call counts as broken off, though its connection stands: the server hangs,
   * or a proxy has lost it. The attempts behind it have a quarter of that at first, and more by and by. Default: 30 seconds.
   */
  readonly stallMs?: number | undefined;
  /** Told of each failure that a call goes on after, and how many milliseconds it waits first. */
  readonly onBreak?: ((error: LogahError, pauseMs: number) => void) | undefined;
}

const PATIENCE_MS = 60_000;
const PATIENCE_UNREACHED_MS = 2000;
const STALL_MS = 30_000;

/**
 * What an attempt may be silent for after so many silences in a row, in parts of the first. A proxy that does not know that
 * one of its servers hangs passes some attempts on to it again, so there are several soon; a slow server needs one that is
 * long. As many are made unless the caller has set a patience.
 */
const SILENCES = [1, 0.25, 0.25, 0.25, 0.5, 0.5, 1, 1, 2] as const;

/** Pauses when every server has failed in turn: doubled from the first to the last, each cut by up to a half at random. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 3000;

/** Attempts whose failure may be an answer. */
const MAX_DOUBTFUL = 3;

/** The attempts of one call at the servers of a client. */
export class Attempts {
  readonly #replicas: Replicas;
  readonly #persistence: Persistence;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: number;
  /** When the first failure was after which nothing new has come. */
  #brokenAt: number | undefined;
  /** In a row, without progress. */
  #failures = 0;
  #doubts = 0;
  #stalls = 0;

  /** `deadline`: when the caller wants no more of it, in milliseconds since 1970. */
  constructor(
    replicas: Replicas,
    persistence: Persistence,
    signal: AbortSignal | undefined,
    deadline = Infinity,
  ) {
    this.#replicas = replicas;
    this.#persistence = persistence;
    this.#signal = signal;
    this.#deadline = deadline;
  }

  /** The server for the next attempt. */
  get replica(): Replica {
    return this.#replicas.current;
  }

  /** How long the next attempt may be without a message. */
  get stallMs(): number {
    return (this.#persistence.stallMs ?? STALL_MS) * (SILENCES[this.#stalls] ?? 2);
  }

  /** Something new has come. */
  progress(): void {
    this.#replicas.answered();
    this.#brokenAt = undefined;
    this.#failures = this.#doubts = this.#stalls = 0;
  }

  /**
   * Waits until the call can be made again. `begun`: the answer had begun, now or in an attempt before. Throws the error
   * where there is no point in that, or no patience left, and a LogahError of kind "cancelled" for the signal.
   */
  async overcome(error: unknown, replica: Replica, begun: boolean): Promise<void> {
    throwIfAborted(this.#signal);
    if (!this.#replicas.reached && this.#brokenAt === undefined && error instanceof RemoteError) {
      const reason = await explained(error, this.#replicas.isSecure);
      if (reason !== undefined) throw reason;
    }
    this.#brokenAt ??= performance.now();
    if (this.#replicas.closed || !this.#canGoOn(error, begun)) throw error;
    if (error instanceof StallError) this.#stalls += 1;
    this.#replicas.leave(replica);
    this.#failures += 1;
    const pause = this.#pause(error);
    this.#persistence.onBreak?.(error, pause);
    if (pause === 0) return;
    await delay(pause, undefined, this.#signal === undefined ? {} : { signal: this.#signal }).catch(() => {
      throwIfAborted(this.#signal);
    });
  }

  #canGoOn(error: unknown, begun: boolean): error is LogahError {
    // A stream that ended too early, as its reader found.
    if (error instanceof ProtocolError) {
      if (!begun) this.#doubts += 1;
      return this.#doubts < MAX_DOUBTFUL && this.#patienceLeft() > 0;
    }
    if (!(error instanceof RemoteError)) return false;
    const { code } = error;
    if (code !== status.UNAVAILABLE) this.#replicas.answered();
    if (code === status.DEADLINE_EXCEEDED && Date.now() >= this.#deadline) return false;
    const { patienceMs } = this.#persistence;
    if (error instanceof StallError && patienceMs === undefined && this.#stalls + 1 < SILENCES.length)
      return true;
    const verdict = verdictOn(error, begun);
    if (verdict === 'doubt') this.#doubts += 1;
    if (verdict === 'answer' || this.#doubts >= MAX_DOUBTFUL) return false;
    if (this.#replicas.count > 1) return this.#patienceLeft() > 0;
    const asked = error.retryAfterMs ?? 0;
    return this.#patienceLeft() > asked && Date.now() + asked < this.#deadline;
  }

  #patienceLeft(): number {
    const { patienceMs = this.#replicas.reached ? PATIENCE_MS : PATIENCE_UNREACHED_MS } = this.#persistence;
    const now = performance.now();
    return patienceMs - (now - (this.#brokenAt ?? now));
  }

  /** None before the first try of another server. */
  #pause(error: LogahError): number {
    const { count } = this.#replicas;
    if (this.#failures < count) return 0;
    const spread = 0.5 + Math.random() / 2;
    const backoff = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(16, this.#failures - count));
    // Not below what the server asks for, and not all callers at once.
    const asked = (error.retryAfterMs ?? 0) * (1.5 - spread / 2);
    const wanted = Math.max(backoff * spread, asked);
    return Math.max(0, Math.min(wanted, this.#patienceLeft(), this.#deadline - Date.now()));
  }
}

/** A call that was silent for too long. */
export class StallError extends RemoteError {
  constructor(target: string, milliseconds: number) {
    const details = `nothing came for ${milliseconds / 1000} s`;
    super(target, { code: status.UNAVAILABLE, details });
    this.name = 'StallError';
  }
}
