/** What all RPCs have in common: a request id, a log of their own, an end by signal, and one way to fail. */

import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LogahError } from '../errors';
import type { PredictResponse } from '../gen/logah/v1/PredictResponse';
import { loggable } from '../untrusted-text';
import { accountOf, namesOf, type CallAccount } from './admission/calls';
import type { ReceivedRequest } from './admission/received-request';
import type { FramedMessage } from './answers/framing';
import { cancellable } from './cancellation';
import { refusalLabel } from './security/events';
import { REQUEST_ID } from './request-id';
import type { Metrics } from './telemetry/metrics';
import { statusCode, toServiceError } from './status';
import { Turns } from './turns';

export type UnaryCall = ServerUnaryCall<ReceivedRequest, FramedMessage>;
export type StreamCall = ServerWritableStream<ReceivedRequest, PredictResponse | FramedMessage>;

/** A call that is being answered. */
export interface Begun {
  readonly id: string;
  readonly logger: Logger;
  readonly account: CallAccount;
}

/** Runs the handlers of calls; `closing` aborts, for a LogahError, when calls in flight must end because the server does. */
export class CallRunner {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #closing: AbortSignal;
  /** A connection that ends may end a hundred calls. */
  readonly #failures = new Turns();

  constructor(logger: Logger, metrics: Metrics, closing: AbortSignal) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#closing = closing;
  }

  unary(
    method: string,
    answer: (call: UnaryCall, begun: Begun, signal: AbortSignal) => Promise<FramedMessage>,
  ): handleUnaryCall<ReceivedRequest, FramedMessage> {
    return (call, callback) => {
      const begun = begin(call, method, this.#logger);
      cancellable(call, this.#closing, async (signal) => {
        callback(null, await answer(call, begun, signal));
      }).catch((error: unknown) => {
        this.#fail(call, begun, error, callback);
      });
    };
  }

  streaming(
    method: string,
    answer: (call: StreamCall, begun: Begun, signal: AbortSignal) => Promise<void>,
  ): handleServerStreamingCall<ReceivedRequest, PredictResponse | FramedMessage> {
    return (call) => {
      const begun = begin(call, method, this.#logger);
      cancellable(call, this.#closing, (signal) => answer(call, begun, signal)).catch((error: unknown) => {
        this.#fail(call, begun, error, (status) => {
          call.emit('error', status);
        });
      });
    };
  }

  #fail(
    call: UnaryCall | StreamCall,
    begun: Begun,
    error: unknown,
    send: sendUnaryData<FramedMessage>,
  ): void {
    this.#failures.run(() => {
      this.#countRefusal(error);
      fail(call, begun, error, send);
    });
  }

  /** What the caller ended itself is no refusal. */
  #countRefusal(error: unknown): void {
    if (error instanceof LogahError && error.kind !== 'cancelled') {
      this.#metrics.callRefused(refusalLabel(error));
    }
  }
}

/** Names the call, tells the caller its request id, and gives it a logger of its own. */
function begin(call: UnaryCall | StreamCall, method: string, parent: Logger): Begun {
  const account = accountOf(call);
  const id = account.requestId;
  const metadata = new Metadata();
  metadata.set(REQUEST_ID, id);
  call.sendMetadata(metadata);
  const logger = parent.child({ ...namesOf(account), method, peer: call.getPeer() });
  return { id, logger, account };
}

function fail(
  call: UnaryCall | StreamCall,
  { id, logger, account }: Begun,
  error: unknown,
  send: sendUnaryData<FramedMessage>,
): void {
  account.requestDone();
  if (call.cancelled || isExpiry(error)) logger.info({ reason: reasonOf(error) }, 'cancelled');
  else logFailure(logger, error);
  send(toServiceError(error, id));
}

/** A caller's mistake is information; anything else is ours to mend. */
function logFailure(logger: Logger, error: unknown): void {
  if (error instanceof LogahError)
    logger.info({ code: statusCode(error.kind), reason: loggable(error.message) }, 'refused');
  else logger.error({ err: error }, 'failed');
}

function isExpiry(error: unknown): boolean {
  return error instanceof LogahError && error.kind === 'deadline_exceeded';
}

/** What a log says of an error that is not ours to mend. */
function reasonOf(error: unknown): string {
  return loggable(error instanceof LogahError ? error.message : String(error));
}
