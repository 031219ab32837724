import type { CallOptions, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import { LogahError } from '../errors';
import { toRemoteError } from './remote-error';
import type { DataPart } from './resuming-stream';

/** Settings of one call. */
export interface CallSettings {
  /** Cancels the call when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now until the call fails with "deadline_exceeded"; default: none. */
  readonly deadlineMs?: number | undefined;
}

/** Settings of one prediction. */
export interface PredictSettings extends CallSettings {
  /** Only this part of the data, which must begin and end with tensors; default: all of it. */
  readonly part?: DataPart | undefined;
}

/** Starts a call whose answer goes to `callback`. */
type StartCall<Response> = (options: CallOptions, callback: requestCallback<Response>) => ClientUnaryCall;

/** grpc-js's options for the settings. */
export function callOptions({ deadlineMs }: CallSettings): CallOptions {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

/** Throws a LogahError of kind "cancelled" if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LogahError('cancelled', 'cancelled', { cause: signal.reason });
  }
}

/** One unary call as a promise. Rejects with RemoteError, or a LogahError of kind "cancelled". */
export async function unary<Response>(
  target: string,
  start: StartCall<Response>,
  settings: CallSettings,
): Promise<Response> {
  const { signal } = settings;
  throwIfAborted(signal);
  let cancel: (() => void) | undefined;
  try {
    return await new Promise<Response>((resolve, reject) => {
      const call = start(callOptions(settings), (error, response) => {
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
    throw toRemoteError(target, error);
  } finally {
    if (cancel) {
      signal?.removeEventListener('abort', cancel);
    }
  }
}
