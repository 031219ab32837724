/** The RPCs: gRPC on one side, the prediction service on the other. */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LogahError } from '../errors';
import type { GetExpansionRequest__Output } from '../gen/logah/v1/GetExpansionRequest';
import type { GetExpansionResponse } from '../gen/logah/v1/GetExpansionResponse';
import type { GetTokenizerRequest__Output } from '../gen/logah/v1/GetTokenizerRequest';
import type { GetTokenizerResponse } from '../gen/logah/v1/GetTokenizerResponse';
import type { ListModelsRequest__Output } from '../gen/logah/v1/ListModelsRequest';
import type { ListModelsResponse } from '../gen/logah/v1/ListModelsResponse';
import type { LogahServiceHandlers } from '../gen/logah/v1/LogahService';
import type { PlanRequest__Output } from '../gen/logah/v1/PlanRequest';
import type { PlanResponse } from '../gen/logah/v1/PlanResponse';
import type { PredictRequest__Output } from '../gen/logah/v1/PredictRequest';
import type { PredictResponse } from '../gen/logah/v1/PredictResponse';
import type { Admission } from './admission';
import { frameChunk, type FramedMessage } from './framing';
import { modelMessage, planMessage } from './messages';
import type { ModelChoice } from './model-choice';
import type { PredictionService } from './prediction-service';
import { peakMemoryBytes } from './peak-memory';
import { statusCode, toServiceError } from './status';
import { StreamWriter } from './writing';

const REQUEST_ID = 'x-request-id';
const REQUEST_ID_PATTERN = /^[\w.-]{1,128}$/;

/** Of a message of an expansion's stream, at most. */
const EXPANSION_CHUNK_BYTES = 2 ** 20;

/** The longest that a timer of Node.js waits. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What the handlers work with. */
export interface HandlerContext {
  readonly service: PredictionService;
  readonly models: ModelChoice;
  readonly admission: Admission;
  readonly logger: Logger;
  /** Aborts, for a LogahError, when streams in flight must end because the server does. */
  readonly closing: AbortSignal;
}

type AnyCall =
  | ServerUnaryCall<PlanRequest__Output, PlanResponse>
  | ServerUnaryCall<ListModelsRequest__Output, ListModelsResponse>
  | ServerUnaryCall<GetTokenizerRequest__Output, GetTokenizerResponse>
  | ServerWritableStream<PredictRequest__Output, PredictResponse>
  | ServerWritableStream<GetExpansionRequest__Output, GetExpansionResponse>;

/** The handlers of `logah.v1.LogahService`. */
export function createHandlers(context: HandlerContext): LogahServiceHandlers {
  const plan: handleUnaryCall<PlanRequest__Output, PlanResponse> = (call, callback) => {
    const { id, logger } = begin(call, 'Plan', context.logger);
    try {
      const { plan } = context.service.planOnly(call.request);
      logger.info({ model: plan.bundle.manifest.name, tensors: plan.tensors.length }, 'planned');
      callback(null, { plan: planMessage(plan) });
    } catch (error) {
      logFailure(logger, error);
      callback(toServiceError(error, id));
    }
  };

  const listModels: handleUnaryCall<ListModelsRequest__Output, ListModelsResponse> = (call, callback) => {
    begin(call, 'ListModels', context.logger);
    callback(null, {
      models: [...context.models.bundles.values()].map(modelMessage),
      defaultModel: context.models.defaultModel,
    });
  };

  const getTokenizer: handleUnaryCall<GetTokenizerRequest__Output, GetTokenizerResponse> = (
    call,
    callback,
  ) => {
    const { id, logger } = begin(call, 'GetTokenizer', context.logger);
    readTokenizer(context.models, call.request.model).then(
      (files) => {
        callback(null, { files });
      },
      (error: unknown) => {
        logFailure(logger, error);
        callback(toServiceError(error, id));
      },
    );
  };

  const predict: handleServerStreamingCall<PredictRequest__Output, PredictResponse> = (call) => {
    const { id, logger } = begin(call, 'Predict', context.logger);
    context.admission
      .admit(() => cancellable(call, context.closing, (signal) => answer(call, context, logger, signal)))
      .catch((error: unknown) => {
        if (call.cancelled || isExpiry(error)) logger.info({ reason: reasonOf(error) }, 'cancelled');
        else logFailure(logger, error);
        call.emit('error', toServiceError(error, id));
      });
  };

  const getExpansion: handleServerStreamingCall<GetExpansionRequest__Output, GetExpansionResponse> = (
    call,
  ) => {
    const { id, logger } = begin(call, 'GetExpansion', context.logger);
    cancellable(call, context.closing, (signal) => sendExpansion(call, context.models, signal)).catch(
      (error: unknown) => {
        if (!call.cancelled) logFailure(logger, error);
        call.emit('error', toServiceError(error, id));
      },
    );
  };

  return {
    Plan: plan,
    ListModels: listModels,
    Predict: predict,
    GetExpansion: getExpansion,
    GetTokenizer: getTokenizer,
  };
}

async function answer(
  call: ServerWritableStream<PredictRequest__Output, PredictResponse>,
  context: HandlerContext,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const prepared = context.service.plan(call.request);
  const planSeconds = secondsSince(started);
  const { plan } = prepared;
  logger.info(
    { model: plan.bundle.manifest.name, fingerprint: plan.fingerprint, bytes: plan.totalBytes },
    'predicting',
  );
  const writer = new StreamWriter<PredictRequest__Output, PredictResponse | FramedMessage>(call, signal);
  await writer.write({ plan: planMessage(plan) }, 0);
  const { chunks, digests, encodeSeconds } = context.service.stream(prepared, signal);
  const streamStarted = performance.now();
  for await (const chunk of chunks) {
    await writer.write(frameChunk(chunk), chunk.data.length, chunk.release);
  }
  const timings = {
    planSeconds,
    encodeSeconds: encodeSeconds(),
    streamSeconds: secondsSince(streamStarted) - encodeSeconds(),
  };
  const summary = {
    digests: digests(),
    totalBytes: plan.totalBytes,
    timings,
    peakMemoryBytes: peakMemoryBytes(),
  };
  await writer.write({ summary }, 0);
  call.end();
  logger.info({ ...timings, bytes: plan.totalBytes }, 'predicted');
}

async function sendExpansion(
  call: ServerWritableStream<GetExpansionRequest__Output, GetExpansionResponse>,
  models: ModelChoice,
  signal: AbortSignal,
): Promise<void> {
  const { path } = models.expansion(call.request.model, call.request.sha256);
  const writer = new StreamWriter(call, signal);
  for await (const data of createReadStream(path, { highWaterMark: EXPANSION_CHUNK_BYTES })) {
    const bytes = data as Buffer;
    await writer.write({ data: bytes }, bytes.length);
  }
  call.end();
}

async function readTokenizer(models: ModelChoice, model: string): Promise<{ name: string; data: Buffer }[]> {
  const { directory, names } = models.tokenizer(model);
  return Promise.all(names.map(async (name) => ({ name, data: await readFile(join(directory, name)) })));
}

/** Names the call, tells the caller its request id, and gives it a logger of its own. */
function begin(call: AnyCall, method: string, parent: Logger): { id: string; logger: Logger } {
  const [given] = call.metadata.get(REQUEST_ID);
  const id = typeof given === 'string' && REQUEST_ID_PATTERN.test(given) ? given : randomUUID();
  const metadata = new Metadata();
  metadata.set(REQUEST_ID, id);
  call.sendMetadata(metadata);
  return { id, logger: parent.child({ requestId: id, method, peer: call.getPeer() }) };
}

/**
 * Runs `work` under a signal that aborts when the caller goes away, its deadline passes or the server closes. Throws
 * LogahError where the deadline has passed already.
 */
async function cancellable<Request, Response>(
  call: ServerWritableStream<Request, Response>,
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
    controller.abort(new LogahError('cancelled', 'the call was cancelled'));
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

/** A caller's mistake is information; anything else is ours to mend. */
function logFailure(logger: Logger, error: unknown): void {
  if (error instanceof LogahError)
    logger.info({ code: statusCode(error.kind), reason: error.message }, 'refused');
  else logger.error({ err: error }, 'failed');
}

function isExpiry(error: unknown): boolean {
  return error instanceof LogahError && error.kind === 'deadline_exceeded';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
