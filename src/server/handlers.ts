/** The RPCs: gRPC on one side, the planner and the prediction service on the other. */

import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { logahService } from '../contract/proto-definition';
import { LogahError, type ErrorKind } from '../errors';
import type { Admission } from './admission/admission';
import type { CallAccount } from './admission/calls';
import type { ReceivedRequest } from './admission/received-request';
import { frameChunk, framed, FramedMessage } from './answers/framing';
import { framedInspection } from './answers/inspection';
import { summaryMessage } from './answers/summary';
import type { WriteTurns } from './answers/write-turns';
import { StreamWriter } from './answers/writing';
import type { LiveModels } from './models/live-models';
import type { ModelSet } from './models/model-set';
import { peakMemoryBytes } from './peak-memory';
import type { PlannedCall, PlannedRpc } from './planning/planning-protocol';
import type { PredictionService } from './prediction-service';
import type { Begun, CallRunner, StreamCall } from './running-calls';
import { requireObserver } from './security/administrator';
import type { Gate } from './security/gate';
import { EVERYTHING } from './security/scopes';
import { streamsExceeded } from './security/refusals';
import { parse } from './service-definition';
import { activityOf } from './telemetry/activity';
import type { Metrics } from './telemetry/metrics';
import { StreamClock } from './telemetry/stream-clock';

/** What the handlers work with. */
export interface HandlerContext {
  readonly models: LiveModels;
  readonly service: PredictionService;
  readonly admission: Admission;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly turns: WriteTurns;
  /** Whether metrics are to be had of this server. */
  readonly isMeasured: boolean;
}

/** The handlers of `logah.v1.LogahService`. */
export function createHandlers(context: HandlerContext, calls: CallRunner): UntypedServiceImplementation {
  return {
    Plan: calls.unary('Plan', async ({ request }, begun, signal) => {
      const { call } = await planned('Plan', request, begun, context, signal);
      return new FramedMessage(Buffer.from(call.message.buffer));
    }),
    ListModels: calls.unary('ListModels', ({ request }, { account }) => {
      parse.listModels(request);
      const { scopes } = account.caller;
      // Whoever may change the models may see them.
      const visible = scopes.admin ? EVERYTHING : scopes;
      return Promise.resolve(context.models.current.answers.modelList(visible));
    }),
    GetTokenizer: calls.unary('GetTokenizer', ({ request }, { account }) => {
      const { model } = parse.getTokenizer(request);
      return inOneOf(context.models.sets, 'not_found', (set) =>
        set.answers.tokenizer(model, account.caller.scopes, (done) => {
          account.onClose(done);
        }),
      );
    }),
    GetActivity: calls.unary('GetActivity', async ({ request }, { account }) => {
      parse.getActivity(request);
      requireObserver(account.caller);
      if (!context.isMeasured)
        throw new LogahError('failed_precondition', 'this server has no metrics (--metrics-address off)');
      const { GetActivity } = logahService;
      return new FramedMessage(
        framed(GetActivity.responseSerialize(await activityOf(context.metrics.registry))),
      );
    }),
    Predict: calls.streaming('Predict', async (call, begun, signal) => {
      takeStream(context, begun.account);
      await predict(call, begun, context, signal);
    }),
    InspectTensors: calls.streaming('InspectTensors', async (call, begun, signal) => {
      takeStream(context, begun.account);
      await inspect(call, begun, context, signal);
    }),
    GetExpansion: calls.streaming('GetExpansion', async (call, { account }, signal) => {
      const { model, sha256 } = parse.getExpansion(call.request);
      const writer = writerOf(call, account, context, signal);
      const messages = await inOneOf(context.models.sets, 'not_found', (set) =>
        set.answers.expansion(model, sha256, account.caller.scopes, (done) => {
          account.onClose(done);
        }),
      );
      for (const message of messages) await writer.write(message, message.wire.length);
      call.end();
    }),
  };
}

/** Holds one of the predictions at a time. Throws LogahError (resource_exhausted) where the caller or all have theirs. */
function takeStream({ admission: { predictions }, gate }: HandlerContext, account: CallAccount): void {
  const { caller } = account;
  const held = predictions.usedBy(caller);
  if (held >= caller.scopes.streams) throw streamsExceeded(caller, held, predictions.retryAfterMs(caller));
  gate.rates.requireBytes(caller);
  account.hold(predictions.take(caller));
}

function writerOf(
  call: StreamCall,
  { caller: { identity: caller } }: CallAccount,
  { turns }: HandlerContext,
  signal: AbortSignal,
  bytesInFlight?: number,
): StreamWriter<ReceivedRequest, FramedMessage> {
  return new StreamWriter(call, signal, { turns, caller }, bytesInFlight);
}

/** A plan, and the models that it was made with, which are kept until the call has ended. */
interface Planned {
  readonly call: PlannedCall;
  readonly set: ModelSet;
}

/**
 * Plans a call; what the plan takes is held until the call has ended, what the request took no longer. A stream that broke
 * off is resumed with the models that it began with where they are still there.
 */
async function planned(
  kind: PlannedRpc,
  received: ReceivedRequest,
  { account }: Begun,
  { models, admission }: HandlerContext,
  signal: AbortSignal,
): Promise<Planned> {
  const started = performance.now();
  const request = received.take();
  const { sets } = models;
  const isLast = sets.length === 1;
  const plan = await inOneOf(sets, 'failed_precondition', async (set): Promise<Planned> => {
    const release = set.hold();
    try {
      const call = await set.plans.plan(kind, request, account.caller, signal, account.deadline, isLast);
      account.onClose(release);
      return { call, set };
    } catch (error) {
      release();
      throw error;
    }
  });
  account.requestDone();
  const { head, message, streamed } = plan.call;
  account.record.stage('plan', started, performance.now());
  account.record.prediction = { model: head.model, parameters: head.parameters };
  const bytes = message.length + (streamed ? streamed.graph.length + streamed.tensors.bytes.length : 0);
  account.hold(admission.planBytes.take(account.caller, bytes));
  return plan;
}

/** What the first set can do, or, where it fails in this way, one of those before it; else what the first one throws. */
async function inOneOf<Result>(
  sets: readonly ModelSet[],
  failure: ErrorKind,
  act: (set: ModelSet) => Promise<Result>,
): Promise<Result> {
  const [first, ...earlier] = sets;
  if (first === undefined) throw new Error('no models');
  try {
    return await act(first);
  } catch (error) {
    if (!(error instanceof LogahError && error.kind === failure)) throw error;
    for (const set of earlier) {
      const result = await act(set).catch(() => undefined);
      if (result !== undefined) return result;
    }
    throw error;
  }
}

async function predict(
  call: StreamCall,
  begun: Begun,
  context: HandlerContext,
  signal: AbortSignal,
): Promise<void> {
  const { logger, account } = begun;
  const { record } = account;
  const plan = await planned('Predict', call.request, begun, context, signal);
  const { head, message, streamed } = plan.call;
  if (streamed === undefined) throw new Error('the planner planned no stream');
  const { model, fingerprint, totalBytes } = head;
  logger.info({ model, fingerprint, bytes: totalBytes }, 'predicting');
  const share = context.admission.chunkShare(account.caller, head.chunkBytes);
  const writer = writerOf(call, account, context, signal, share.bytesInFlight);
  await writer.write(new FramedMessage(Buffer.from(message.buffer)), 0);
  const { chunks, digests, encodeSeconds } = context.service.stream(
    plan.set.model(head.bundle),
    head,
    streamed,
    share.chunkBytes,
    signal,
    begun.account.caller.identity,
  );
  const countSent = context.metrics.sending({
    ...head,
    elementsPerByte: totalBytes === 0 ? 0 : head.sentElements / totalBytes,
  });
  const clock = new StreamClock();
  try {
    for await (const chunk of chunks) {
      clock.gotChunk();
      await writer.write(frameChunk(chunk), chunk.data.length, chunk.release);
      clock.wroteChunk();
      countSent(chunk.data.length);
      context.gate.rates.sent(begun.account.caller, chunk.data.length);
    }
    clock.gotChunk();
  } finally {
    clock.note(record, encodeSeconds());
  }
  const summary = await summaryMessage({
    digests: digests(),
    totalBytes,
    timings: record.timings,
    peakMemoryBytes: peakMemoryBytes(),
  });
  await writer.write(summary, 0);
  call.end();
}

async function inspect(
  call: StreamCall,
  begun: Begun,
  context: HandlerContext,
  signal: AbortSignal,
): Promise<void> {
  const plan = await planned('InspectTensors', call.request, begun, context, signal);
  const { head, streamed, inspection } = plan.call;
  if (streamed === undefined || inspection === undefined)
    throw new Error('the planner planned no inspection');
  const writer = writerOf(call, begun.account, context, signal);
  const model = plan.set.model(head.bundle);
  for await (const tensor of context.service.inspect(
    model,
    head,
    streamed,
    inspection,
    signal,
    begun.account.caller.identity,
  )) {
    const message = framedInspection(tensor, inspection.singularValues, inspection.tensors);
    context.gate.rates.sent(begun.account.caller, message.wire.length);
    await writer.write(message, message.wire.length);
  }
  call.end();
}
