import type { CallOptions, ClientReadableStream, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import { LogahError } from '../../errors';
import { toRemoteError } from '../remote-error';
import type { DataPart } from '../data-part';

/** Settings of one call. */
export interface CallSettings {
  /** Cancels the call when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now until the call fails with "deadline_exceeded", all attempts together; default: none. */
  readonly deadlineMs?: number | undefined;
}

/** Settings of one prediction. */
export interface PredictSettings extends CallSettings {
  /** Only this part of the data, which must begin and end with tensors; default: all of it. */
  readonly part?: DataPart | undefined;
}

/** Starts a call whose answer goes to `callback`. */
type StartCall<Response> = (options: CallOptions, callback: requestCallback<Response>) => ClientUnaryCall;

/** The longest that a timer of Node.js waits, and grpc-js with it; a deadline further away is none. */
const MAX_DEADLINE_MS = 2 ** 31 - 1;

/** When the call must be over, in milliseconds since 1970; undefined: whenever. */
export function deadlineOf({ deadlineMs }: CallSettings): number | undefined {
  return deadlineMs === undefined || deadlineMs > MAX_DEADLINE_MS ? undefined : Date.now() + deadlineMs;
}

/** Throws a LogahError of kind "cancelled" if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LogahError('cancelled', 'cancelled', { cause: signal.reason });
  }
}

/** What one attempt at a call is bound by. */
export interface AttemptLimits {
  readonly target: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds without a message after which it is cancelled. */
  readonly stallMs: number;
  /** The error to reject with then. */
  readonly stalled: () => Error;
}

/** One unary call as a promise. Rejects with RemoteError, `stalled()`, or a LogahError of kind "cancelled". */
export async function unary<Response>(
  start: StartCall<Response>,
  options: CallOptions,
  { target, signal, stallMs, stalled }: AttemptLimits,
): Promise<Response> {
  throwIfAborted(signal);
  let stall: Error | undefined;
  let cancel: () => void = () => undefined;
  const timer = setTimeout(() => {
    stall = stalled();
    cancel();
  }, stallMs);
  try {
    return await new Promise<Response>((resolve, reject) => {
      const call = start(options, (error, response) => {
        if (response === undefined) {
          reject(error ?? new Error('neither an error nor a response'));
        } else {
          resolve(response);
        }
      });
      cancel = () => {
        call.cancel();
      };
      signal?.addEventListener('abort', cancel, { once: true });
    });
  } catch (error) {
    throwIfAborted(signal);
    throw stall ?? toRemoteError(target, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/** What a server is waited for behind the last message, where it does not end its stream. */
const LAST_WORDS_MS = 1000;

/**
 * The messages of one call, of which `isLast` knows the last one: behind it, there is nothing but a status to wait for. Leaving
 * the loop early cancels it. Rejects as `unary` does.
 */
export async function* streamOf<Response>(
  call: ClientReadableStream<Response>,
  { target, signal, stallMs, stalled }: AttemptLimits,
  isLast: (message: Response) => boolean = () => false,
): AsyncGenerator<Response, void, undefined> {
  // An error after the loop has ended (the cancellation below) is nobody's concern.
  call.on('error', () => undefined);
  const cancel = (): void => {
    call.cancel();
  };
  let stall: Error | undefined;
  // While the reader is at work, silence is its own.
  let waiting = true;
  const fall = (): void => {
    if (!waiting) return;
    stall = stalled();
    cancel();
  };
  let timer = setTimeout(fall, stallMs);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of call) {
      waiting = false;
      yield message as Response;
      waiting = true;
      timer.refresh();
      if (!isLast(message as Response)) continue;
      clearTimeout(timer);
      timer = setTimeout(fall, Math.min(stallMs, LAST_WORDS_MS));
    }
  } catch (error) {
    throw stall ?? toRemoteError(target, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}
