/** The server's life: load, listen, serve, drain. */

import { setMaxListeners } from 'node:events';
import { Server, ServerCredentials, type ServerOptions as ServerOptionsOfGrpc } from '@grpc/grpc-js';
import { protoPath as healthProto } from 'grpc-health-check';
import { loadSync } from '@grpc/proto-loader';
import type { Logger } from 'pino';
import { disableRuntimeTelemetry } from '../config/runtime';
import type { ServerConfig } from '../config/server-config';
import { LogahError } from '../errors';
import { isLoopbackHost } from '../loopback';
import { protoDefinition } from '../contract/proto-definition';
import { createAdminHandlers } from './admin-handlers';
import { Admission } from './admission/admission';
import { Beginnings } from './admission/beginnings';
import { accountCalls } from './admission/calls';
import { Connections } from './admission/connections';
import { silentAtDeadline } from './deadline';
import { http2ServersOf } from './answers/grpc-internals';
import { WriteTurns } from './answers/write-turns';
import { createHandlers } from './handlers';
import { Health, HEALTH_CHECKS, HEALTH_WATCH } from './health';
import { LiveModels } from './models/live-models';
import { ModelsWatch } from './models/models-watch';
import { PredictionService } from './prediction-service';
import { Readers } from './admission/readers';
import { addReflection } from './reflection';
import { CallRunner } from './running-calls';
import type { SecurityEvents } from './security/events';
import { Gate } from './security/gate';
import { Identity } from './security/identity';
import { answerPlainText } from './security/plain-text';
import { ServerTls } from './security/tls';
import { Load } from './telemetry/load';
import { startTelemetry } from './telemetry/start';
import { countUnknownMethods } from './telemetry/unknown-methods';
import { watchServer } from './telemetry/watched';
import { adminDefinition, LARGE_REQUESTS, serviceDefinition } from './service-definition';

/** The paths of all RPCs, for which gRPC's metrics have labels of their own. */
const METHODS: ReadonlySet<string> = new Set([
  ...Object.values(serviceDefinition).map(({ path }) => path),
  ...Object.values(adminDefinition).map(({ path }) => path),
  ...['Check', 'List', 'Watch'].map((name) => `/grpc.health.v1.Health/${name}`),
  ...['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`),
]);

/**
 * How long the data and the status of a stream that was cut off may take to reach its caller: what is on its way is at
 * most MAX_BYTES_IN_FLIGHT.
 */
const LAST_WORDS_MS = 5000;

/** Calls at a time on one connection; a client waits with more, or opens another connection. */
const STREAMS_PER_CONNECTION = 128;

/** Of the memory that a cache may take, the part that plans may: they are small beside what is decoded. */
const PLANS_SHARE = 4;

/** A connection without calls is closed after so long; a client opens another when it needs one. */
const IDLE_CONNECTION_MS = 10 * 60_000;

const SERVICE_NAME = 'logah.v1.LogahService';

/** Whether what is served is what lies in the models directory. */
const MODELS_HEALTH = 'logah.v1.Models';

/** A server that listens. */
export interface RunningServer {
  /** Host as configured, and the port that it listens on. */
  readonly host: string;
  readonly port: number;
  /** Its certificate; undefined: it speaks plain text. */
  readonly tls: Pick<ServerTls, 'material' | 'follow'> | undefined;
  /** Loads what has changed of the models; what cannot be loaded is logged, and what was served goes on. */
  reloadModels(): Promise<void>;
  /** Says NOT_SERVING, lets streams finish within the grace period, then ends everything. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the server has stopped; rejects when it cannot go on. */
  readonly stopped: Promise<void>;
}

/** What a server is told besides its settings. */
export interface ServerOptions {
  /** Of the package; empty: none is told. */
  readonly version?: string;
}

/**
 * Starts a server. Throws LogahError (failed_precondition) where models, provider, addresses or the files of TLS are not to
 * be had.
 */
export async function startServer(
  config: ServerConfig,
  logger: Logger,
  { version = '' }: ServerOptions = {},
): Promise<RunningServer> {
  disableRuntimeTelemetry();
  const watched = await startTelemetry(config, version, METHODS, logger);
  const { telemetry } = watched;
  const { metrics } = telemetry;
  const tls = await openTls(config, logger, metrics);
  const identity = await openIdentity(config, logger, metrics);
  const gate = new Gate(identity, new Set([...HEALTH_CHECKS, HEALTH_WATCH]));
  let fail: (error: Error) => void = () => undefined;
  let finish: () => void = () => undefined;
  const stopped = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const admission = new Admission(config);
  const { tileBytes, chunkBytes } = admission;
  const service = new PredictionService({ ...config, tileBytes, chunkBytes });
  const health = new Health(['', SERVICE_NAME, MODELS_HEALTH]);
  const models = await LiveModels.open({
    directory: config.models,
    defaultModel: config.defaultModel,
    limits: config,
    queue: config,
    workers: config.workers,
    cudaDevices: config.cudaDevices,
    provider: config.executionProvider,
    service,
    planBytes: config.cacheBytes / PLANS_SHARE,
    logger,
    onFailure: (error) => {
      fail(error);
    },
    onResult: (result) => {
      metrics.modelLoad(result);
    },
    onWhole: (isWhole) => {
      health.setServing(MODELS_HEALTH, isWhole);
    },
  });
  const load = new Load(() => ({
    ...admission.shares,
    tile_bytes: service.usage.tileBytes / admission.tileBytes,
  }));
  const readers = new Readers(config.stallSeconds * 1000, () => service.isPressed);
  const server = new Server({
    'grpc.max_receive_message_length': config.maxRequestBytes,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
    'grpc.max_connection_idle_ms': IDLE_CONNECTION_MS,
    'grpc.keepalive_time_ms': 60_000,
    ...ageOptions(config),
    interceptors: [
      accountCalls({
        admission,
        readers,
        gate,
        version,
        telemetry,
        load,
        logger,
        largeRequests: LARGE_REQUESTS,
        maxRequestBytes: config.maxRequestBytes,
        exempt: HEALTH_CHECKS,
        stallMs: config.stallSeconds * 1000,
      }),
      silentAtDeadline,
    ],
  });
  const closing = new AbortController();
  // Each call listens; beyond ten, Node.js would suspect a leak.
  setMaxListeners(config.maxCalls, closing.signal);
  const calls = new CallRunner(logger, metrics, closing.signal);
  const isMeasured = config.metricsAddress !== 'off';
  server.addService(
    serviceDefinition,
    createHandlers({ models, service, admission, gate, metrics, turns: new WriteTurns(), isMeasured }, calls),
  );
  server.addService(adminDefinition, createAdminHandlers(models, config.admin, calls));
  health.addToServer(server);
  addReflection(server, { ...protoDefinition, ...loadSync(healthProto) });
  const closeThreads = async (): Promise<void> => {
    readers.stop();
    tls?.close();
    identity?.close();
    await models.close();
  };
  const credentials = tls?.credentials ?? ServerCredentials.createInsecure();
  const port = await bind(server, config.address, credentials).catch(async (error: unknown) => {
    await closeThreads();
    throw error;
  });
  const connections = new Connections(admission.connections, config.maxMetadataBytes);
  const beginnings = new Beginnings();
  for (const http2Server of http2ServersOf(server)) {
    if (tls !== undefined) answerPlainText(http2Server);
    connections.watch(http2Server);
    countUnknownMethods(http2Server, METHODS, telemetry);
    // Last, so that all of them hear of a call when it begins.
    beginnings.watch(http2Server);
  }
  const host = config.address.slice(0, config.address.lastIndexOf(':'));
  const served = [...models.current.choice.bundles.keys()];
  const security = securityOf(config, tls);
  watchServer(metrics, { admission, models, service });
  watched.setNotReady(undefined);
  const metricsAddress = watched.address ?? null;
  const listening = {
    address: host,
    port,
    provider: models.provider,
    models: served,
    metrics: metricsAddress,
  };
  logger.info({ ...listening, version, security, settings: config }, 'listening');
  if (security.authentication === 'none' && !isLoopbackHost(host.replace(/^\[|\]$/g, ''))) {
    logger.warn('everybody who reaches this address is answered (--callers, --tls-client-ca)');
  }
  const watch = new ModelsWatch(config.models, config.modelsPollSeconds, models, logger);

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= drain();
    return stopping;
  };
  const drain = async (): Promise<void> => {
    logger.info(
      { streams: admission.predictions.used, graceSeconds: config.shutdownGraceSeconds },
      'draining',
    );
    watch.stop();
    watched.setNotReady('draining');
    health.stopServing();
    await shutDown(server, closing, config.shutdownGraceSeconds * 1000);
    await closeThreads();
    telemetry.flush();
    await watched.close();
    logger.info('stopped');
    finish();
  };
  const reloadModels = async (): Promise<void> => {
    await models.reload().catch((error: unknown) => {
      if (!(error instanceof LogahError)) logger.error({ err: error }, 'models not loaded');
    });
  };
  return { host, port, tls, reloadModels, stop, stopped };
}

function openTls(
  { tlsCert: cert, tlsKey: key, tlsClientCa }: ServerConfig,
  logger: Logger,
  events: SecurityEvents,
): Promise<ServerTls> | undefined {
  if (cert === '') return undefined;
  return ServerTls.open({ cert, key, clientCa: tlsClientCa || undefined }, logger, events);
}

/** How old connections get; without a bound, grpc-js has none. */
function ageOptions({
  maxConnectionAge: age,
  maxConnectionAgeGrace: grace,
}: ServerConfig): ServerOptionsOfGrpc {
  return {
    ...(age > 0 && { 'grpc.max_connection_age_ms': age * 1000 }),
    ...(age > 0 && grace > 0 && { 'grpc.max_connection_age_grace_ms': grace * 1000 }),
  };
}

/** What a server holds against others, for its log. */
function securityOf(
  { tlsClientCa, callers, jwtKeys }: ServerConfig,
  tls: ServerTls | undefined,
): { readonly transport: string; readonly authentication: string; readonly certificateExpires?: Date } {
  const ways = [callers && 'callers', jwtKeys && 'jwt', tlsClientCa && 'client certificates'];
  return {
    transport: tls === undefined ? 'plain text' : 'TLS',
    authentication: ways.filter(Boolean).join(', ') || 'none',
    ...(tls && { certificateExpires: tls.expires }),
  };
}

function openIdentity(
  { callers, jwtIssuer: issuer, jwtAudience: audience, jwtKeys: keys }: ServerConfig,
  logger: Logger,
  events: SecurityEvents,
): Promise<Identity> | undefined {
  if (callers === '') return undefined;
  const jwt = keys === '' ? undefined : { issuer, audience, keys };
  return Identity.open({ callers, jwt }, logger, events);
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
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
