/** The RPCs: gRPC on one side, the planner and the prediction service on the other. */

import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LogahError } from '../errors';
import type { PredictResponse } from '../gen/logah/v1/PredictResponse';
import { loggable } from '../untrusted-text';
import type { Admission } from './admission/admission';
import { accountOf, type CallAccount } from './admission/calls';
import { cancellable } from './cancellation';
import { frameChunk, FramedMessage } from './answers/framing';
import { peakMemoryBytes } from './peak-memory';
import type { Planner } from './planning/planner';
import type { PlannedCall } from './planning/planning-protocol';
import type { PredictionService } from './prediction-service';
import { REQUEST_ID } from './request-id';
import { parse } from './service-definition';
import type { Caller } from './security/caller';
import type { Gate } from './security/gate';
import { streamsExceeded } from './security/refusals';
import type { SharedAnswers } from './answers/shared-answers';
import { statusCode, toServiceError } from './status';
import { summaryMessage } from './answers/summary';
import { StreamWriter } from './answers/writing';

/** What the handlers work with. */
export interface HandlerContext {
  readonly planner: Planner;
  readonly service: PredictionService;
  readonly answers: SharedAnswers;
  readonly admission: Admission;
  readonly gate: Gate;
  readonly logger: Logger;
  /** Aborts, for a LogahError, when calls in flight must end because the server does. */
  readonly closing: AbortSignal;
}

type UnaryCall = ServerUnaryCall<Buffer, FramedMessage>;
type StreamCall = ServerWritableStream<Buffer, PredictResponse | FramedMessage>;

/** A call that is being answered. */
interface Begun {
  readonly id: string;
  readonly logger: Logger;
  readonly account: CallAccount;
}

/** The handlers of `logah.v1.LogahService`. */
export function createHandlers(context: HandlerContext): UntypedServiceImplementation {
  const unary =
    (
      method: string,
      answer: (call: UnaryCall, begun: Begun, signal: AbortSignal) => Promise<FramedMessage>,
    ): handleUnaryCall<Buffer, FramedMessage> =>
    (call, callback) => {
      const begun = begin(call, method, context.logger);
      cancellable(call, context.closing, async (signal) => {
        callback(null, await answer(call, begun, signal));
      }).catch((error: unknown) => {
        fail(call, begun, error, context, callback);
      });
    };

  const streaming =
    (
      method: string,
      answer: (call: StreamCall, begun: Begun, signal: AbortSignal) => Promise<void>,
    ): handleServerStreamingCall<Buffer, PredictResponse | FramedMessage> =>
    (call) => {
      const begun = begin(call, method, context.logger);
      cancellable(call, context.closing, (signal) => answer(call, begun, signal)).catch((error: unknown) => {
        fail(call, begun, error, context, (status) => {
          call.emit('error', status);
        });
      });
    };

  return {
    Plan: unary('Plan', async ({ request }, begun, signal) => {
      const { head, message } = await planned('Plan', request, begun, context, signal);
      begun.logger.info({ model: head.model, tensors: head.tensors }, 'planned');
      return new FramedMessage(Buffer.from(message.buffer));
    }),
    ListModels: unary('ListModels', ({ request }, { account }) => {
      parse.listModels(request);
      return Promise.resolve(context.answers.modelList(account.caller.scopes));
    }),
    GetTokenizer: unary('GetTokenizer', ({ request }, { account }) => {
      const { model } = parse.getTokenizer(request);
      return context.answers.tokenizer(model, account.caller.scopes, (done) => {
        account.onClose(done);
      });
    }),
    Predict: streaming('Predict', async (call, begun, signal) => {
      const { caller } = begun.account;
      requireStream(context, caller);
      context.gate.rates.requireBytes(caller);
      begun.account.hold(context.admission.predictions.take(caller));
      await predict(call, begun, context, signal);
    }),
    GetExpansion: streaming('GetExpansion', async (call, { account }, signal) => {
      const { model, sha256 } = parse.getExpansion(call.request);
      const writer = new StreamWriter(call, signal);
      const messages = await context.answers.expansion(model, sha256, account.caller.scopes, (done) => {
        account.onClose(done);
      });
      for (const message of messages) await writer.write(message, message.wire.length);
      call.end();
    }),
  };
}

/** Plans a call; what the plan takes is held until the call has ended, what the request took no longer. */
async function planned(
  kind: 'Plan' | 'Predict',
  request: Buffer,
  { account }: Begun,
  { planner, admission }: HandlerContext,
  signal: AbortSignal,
): Promise<PlannedCall> {
  const call = await planner.plan(kind, request, account.caller, signal);
  account.requestDone();
  const { message, streamed } = call;
  const bytes = message.length + (streamed ? streamed.graph.length + streamed.tensors.bytes.length : 0);
  account.hold(admission.planBytes.take(account.caller, bytes));
  return call;
}

async function predict(
  call: StreamCall,
  begun: Begun,
  context: HandlerContext,
  signal: AbortSignal,
): Promise<void> {
  const { logger } = begun;
  const started = performance.now();
  const { head, message, streamed } = await planned('Predict', call.request, begun, context, signal);
  if (streamed === undefined) throw new Error('the planner planned no stream');
  const planSeconds = secondsSince(started);
  const { model, fingerprint, totalBytes } = head;
  logger.info({ model, fingerprint, bytes: totalBytes }, 'predicting');
  const share = context.admission.chunkShare(head.chunkBytes);
  const writer = new StreamWriter(call, signal, share.bytesInFlight);
  await writer.write(new FramedMessage(Buffer.from(message.buffer)), 0);
  const { chunks, digests, encodeSeconds } = context.service.stream(head, streamed, share.chunkBytes, signal);
  const streamStarted = performance.now();
  for await (const chunk of chunks) {
    context.gate.rates.sent(begun.account.caller, chunk.data.length);
    await writer.write(frameChunk(chunk), chunk.data.length, chunk.release);
  }
  const timings = {
    planSeconds,
    encodeSeconds: encodeSeconds(),
    streamSeconds: secondsSince(streamStarted) - encodeSeconds(),
  };
  const summary = await summaryMessage({
    digests: digests(),
    totalBytes,
    timings,
    peakMemoryBytes: peakMemoryBytes(),
  });
  await writer.write(summary, 0);
  call.end();
  logger.info({ ...timings, bytes: totalBytes }, 'predicted');
}

/** Throws LogahError (resource_exhausted) where the caller has as many predictions as it may have at a time. */
function requireStream({ admission }: HandlerContext, caller: Caller): void {
  const held = admission.predictions.usedBy(caller);
  if (held >= caller.scopes.streams) throw streamsExceeded(caller, held, admission.predictions.retryAfterMs);
}

/** Names the call, tells the caller its request id, and gives it a logger of its own. */
function begin(call: UnaryCall | StreamCall, method: string, parent: Logger): Begun {
  const account = accountOf(call);
  const id = account.requestId;
  const metadata = new Metadata();
  metadata.set(REQUEST_ID, id);
  call.sendMetadata(metadata);
  const { name } = account.caller;
  const logger = parent.child({
    requestId: id,
    method,
    peer: call.getPeer(),
    ...(name !== '' && { caller: name }),
  });
  return { id, logger, account };
}

function fail(
  call: UnaryCall | StreamCall,
  { id, logger, account }: Begun,
  error: unknown,
  { gate }: HandlerContext,
  send: sendUnaryData<FramedMessage>,
): void {
  account.requestDone();
  gate.refused(error);
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

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
