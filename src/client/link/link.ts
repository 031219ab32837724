/** One client's servers, and unary calls to them. */

import type { CallOptions, ClientUnaryCall, requestCallback } from '@grpc/grpc-js';
import { Attempts, StallError, type Persistence } from './attempts';
import { deadlineOf, unary, type AttemptLimits, type CallSettings } from './call';
import type { Replica, Replicas } from './replicas';

/** The servers of a client, and how often they are asked. */
export interface Link {
  readonly replicas: Replicas;
  readonly persistence: Persistence;
}

/** The bounds of the next attempt. */
export function limitsOf(
  { target }: Replica,
  { stallMs }: Attempts,
  signal: AbortSignal | undefined,
): AttemptLimits {
  return { target, signal, stallMs, stalled: () => new StallError(target, stallMs) };
}

/** grpc-js's options for a deadline. */
export function callOptions(deadline: number | undefined): CallOptions {
  return deadline === undefined ? {} : { deadline };
}

/** The answer to a unary call, which is made until it comes or fails for good. Rejects as `unary` does. */
export async function answerOf<Response>(
  { replicas, persistence }: Link,
  settings: CallSettings,
  start: (replica: Replica, options: CallOptions, callback: requestCallback<Response>) => ClientUnaryCall,
): Promise<Response> {
  const deadline = deadlineOf(settings);
  const attempts = new Attempts(replicas, persistence, settings.signal, deadline);
  for (;;) {
    const { replica } = attempts;
    try {
      const answer = await unary<Response>(
        (options, callback) => start(replica, options, callback),
        callOptions(deadline),
        limitsOf(replica, attempts, settings.signal),
      );
      attempts.progress();
      return answer;
    } catch (error) {
      await attempts.overcome(error, replica, false);
    }
  }
}
