/** All that tells of a server: its instruments, the port that they are read from, and what is exported. */

import type { Logger } from 'pino';
import { otlpSettings } from '../../config/otlp';
import type { ServerConfig } from '../../config/server-config';
import { LogahError } from '../../errors';
import { MetricsEndpoint } from './endpoint';
import { Metrics } from './metrics';
import type { Otlp } from './otlp';
import { Telemetry } from './telemetry';

/** Where metrics are read unless the server is told otherwise. */
const DEFAULT_ADDRESS = '127.0.0.1:9464';

/** What tells of a server while it runs. */
export interface ServerTelemetry {
  readonly telemetry: Telemetry;
  /** "HOST:PORT" of the metrics; undefined: they are not to be had there. */
  readonly address: string | undefined;
  /** What `/readyz` answers: why the server takes no calls; undefined: it does. */
  setNotReady(reason: string | undefined): void;
  /** Sends what is left to be exported, and ends. */
  close(): Promise<void>;
}

/**
 * Starts telling of a server, which is not ready yet. `methods`: the paths of its RPCs. Throws LogahError
 * (failed_precondition) where the address that was asked for cannot be had.
 */
export async function startTelemetry(
  config: Pick<ServerConfig, 'metricsAddress'>,
  version: string,
  methods: ReadonlySet<string>,
  logger: Logger,
): Promise<ServerTelemetry> {
  const metrics = new Metrics(methods);
  metrics.info('logah_build_info', 'The version that runs.', ['version', 'node'], () => [
    { version, node: process.versions.node },
  ]);
  let notReady: string | undefined = 'starting';
  const endpoint = await openEndpoint(config.metricsAddress, metrics, () => notReady, logger);
  const otlp = await startExport(version, metrics);
  return {
    telemetry: new Telemetry(metrics, otlp?.tracing, logger),
    address: endpoint?.address,
    setNotReady: (reason) => {
      notReady = reason;
    },
    close: async () => {
      endpoint?.close();
      await otlp?.shutdown();
    },
  };
}

async function openEndpoint(
  address: string,
  { registry }: Metrics,
  notReady: () => string | undefined,
  logger: Logger,
): Promise<MetricsEndpoint | undefined> {
  if (address === 'off') return undefined;
  try {
    return await MetricsEndpoint.open(address === '' ? DEFAULT_ADDRESS : address, registry, { notReady });
  } catch (error) {
    if (!(error instanceof LogahError) || address !== '') throw error;
    // Another server on this machine has it, and nobody asked for it here.
    logger.warn({ reason: error.message }, 'metrics cannot be read');
    return undefined;
  }
}

/** Loads nothing where nothing is exported. */
async function startExport(version: string, { registry }: Metrics): Promise<Otlp | undefined> {
  const settings = otlpSettings();
  if (settings.traces === undefined && settings.metrics === undefined) return undefined;
  const { startOtlp } = await import('./otlp.js');
  return startOtlp(settings, version, registry);
}
