/** The server's life: load, listen, serve, drain. */

import { setMaxListeners } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import { loadSync } from '@grpc/proto-loader';
import type { Logger } from 'pino';
import { disableRuntimeTelemetry, type ServerConfig } from '../config';
import { LogahError } from '../errors';
import { openBundles } from '../hypernet/bundle';
import { LogahService, protoDefinition } from '../contract/proto-definition';
import { Admission } from './admission';
import { silentAtDeadline } from './deadline';
import { passFramedMessages, serializeResponse } from './framing';
import { createHandlers } from './handlers';
import { Health } from './health';
import { ModelChoice } from './model-choice';
import { PredictionService } from './prediction-service';
import { startPool } from './provider';
import { boundedDeserializer, PLAN_REQUEST, PREDICT_REQUEST } from './request-parts';

/** How long the status of a stream that was cut off may take to reach its caller. */
const LAST_WORDS_MS = 500;

const SERVICE_NAME = 'logah.v1.LogahService';
/** Larger windows let one stream fill a fast network; the client sets the other half of this. */
const FLOW_CONTROL_WINDOW = 8 * 2 ** 20;

/** A server that listens. */
export interface RunningServer {
  /** Host as configured, and the port that it listens on. */
  readonly host: string;
  readonly port: number;
  /** Says NOT_SERVING, lets streams finish within the grace period, then ends everything. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the server has stopped; rejects when it cannot go on. */
  readonly stopped: Promise<void>;
}

/** Starts a server. Throws LogahError (failed_precondition) where models, provider or address are not to be had. */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  disableRuntimeTelemetry();
  const bundles = await openBundles(config.models);
  const models = new ModelChoice(bundles, config.defaultModel);
  let fail: (error: Error) => void = () => undefined;
  let finish: () => void = () => undefined;
  const stopped = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const { pool, provider } = await startPool(
    {
      provider: config.executionProvider,
      workers: config.workers,
      setup: { bundles: [...bundles.values()] },
      onFailure: (error) => {
        fail(error);
      },
    },
    logger,
  );
  const service = new PredictionService({ ...config, models, pool, limits: config });
  const admission = new Admission(config.maxStreams);
  const server = new Server({
    'grpc.max_receive_message_length': config.maxRequestBytes,
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
    'grpc.keepalive_time_ms': 60_000,
    interceptors: [passFramedMessages, silentAtDeadline],
  });
  const { Predict, Plan } = LogahService.service;
  const { maxNodes } = config;
  const definition = {
    ...LogahService.service,
    Predict: {
      ...Predict,
      requestDeserialize: boundedDeserializer(Predict.requestDeserialize, PREDICT_REQUEST, maxNodes),
      responseSerialize: serializeResponse,
    },
    Plan: {
      ...Plan,
      requestDeserialize: boundedDeserializer(Plan.requestDeserialize, PLAN_REQUEST, maxNodes),
    },
  };
  const closing = new AbortController();
  // Each stream listens; beyond ten, Node.js would suspect a leak.
  setMaxListeners(config.maxStreams, closing.signal);
  const context = { service, models, admission, logger, closing: closing.signal };
  server.addService(definition, createHandlers(context));
  const health = new Health(['', SERVICE_NAME]);
  health.addToServer(server);
  const healthDefinition = loadSync(healthProto);
  new ReflectionService({ ...protoDefinition, ...healthDefinition }).addToServer(server);
  const port = await bind(server, config.address).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  const host = config.address.slice(0, config.address.lastIndexOf(':'));
  logger.info({ address: host, port, provider, models: [...bundles.keys()] }, 'listening');

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= drain();
    return stopping;
  };
  const drain = async (): Promise<void> => {
    logger.info({ streams: admission.active, graceSeconds: config.shutdownGraceSeconds }, 'draining');
    health.stopServing();
    await shutDown(server, closing, config.shutdownGraceSeconds * 1000);
    await pool.close();
    logger.info('stopped');
    finish();
  };
  return { host, port, stop, stopped };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else {
        reject(
          new LogahError('failed_precondition', `cannot listen on ${address}: ${error.message}`, {
            cause: error,
          }),
        );
      }
    });
  });
}

/**
 * Refuses new calls, waits for those in flight, and after `graceMs` ends what is left: with UNAVAILABLE, so that callers
 * go on elsewhere, and then by closing the connections of those that do not read.
 */
async function shutDown(server: Server, closing: AbortController, graceMs: number): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  await new Promise<void>((resolve) => {
    const end = (): void => {
      server.forceShutdown();
      resolve();
    };
    const close = (): void => {
      closing.abort(new LogahError('unavailable', 'the server is shutting down', { retryAfterMs: 0 }));
      timers.push(setTimeout(end, LAST_WORDS_MS));
    };
    timers.push(setTimeout(close, graceMs));
    server.tryShutdown(() => {
      resolve();
    });
  });
  for (const timer of timers) clearTimeout(timer);
}
