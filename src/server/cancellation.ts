/** When work for a call is to stop: its caller goes away, its deadline passes, or the server closes. */

import { LogahError } from '../errors';
import { Turns } from './turns';

/** The longest that a timer of Node.js waits. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What this needs of a call of grpc-js, of any kind. */
export interface CancellableCall {
  readonly cancelled: boolean;
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** One for all calls: thousands may be cancelled at once, and what an error costs is the stack that it notes. */
const CANCELLED = new LogahError('cancelled', 'the call was cancelled');

/** A connection that ends may cancel a hundred calls, and each has something to put in order. */
const cancellations = new Turns();

/**
 * Runs `work` under a signal that aborts when the caller goes away, its deadline passes or the server closes. Throws
 * LogahError where the deadline has passed already.
 */
export async function cancellable(
  call: CancellableCall,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const left = Number(call.getDeadline()) - Date.now();
  if (left <= 0)
    throw new LogahError('deadline_exceeded', 'the deadline had passed when the request arrived');
  const controller = new AbortController();
  const expire = (): void => {
    controller.abort(new LogahError('deadline_exceeded', 'the deadline passed'));
  };
  const timer = left <= MAX_TIMEOUT_MS ? setTimeout(expire, left) : undefined;
  const cancel = (): void => {
    cancellations.run(() => {
      controller.abort(CANCELLED);
    });
  };
  const close = (): void => {
    controller.abort(closing.reason);
  };
  call.once('cancelled', cancel);
  closing.addEventListener('abort', close, { once: true });
  if (call.cancelled) cancel();
  if (closing.aborted) close();
  try {
    await work(controller.signal);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', close);
  }
}
