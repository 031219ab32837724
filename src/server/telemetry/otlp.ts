/** OpenTelemetry's exporters, of which only what the standard variables ask for is loaded. */

import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { Resource } from '@opentelemetry/resources';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { OtlpSettings } from '../../config/otlp';
import type { Tracing } from './tracing';

/** What exports while the server runs. */
export interface Otlp {
  /** Undefined where no traces are asked for. */
  readonly tracing: Tracing | undefined;
  /** Sends what is left, and ends. */
  readonly shutdown: () => Promise<void>;
}

/** Longest time for what is left when the server ends, in milliseconds. */
const SHUTDOWN_MS = 3000;

/** Starts the exporters that are asked for. */
export async function startOtlp(settings: OtlpSettings, version: string, registry: Registry): Promise<Otlp> {
  const resource = await resourceOf(version);
  const traces = settings.traces === undefined ? undefined : await startTraces(settings.traces, resource);
  const metrics =
    settings.metrics === undefined
      ? undefined
      : await startMetrics(settings, settings.metrics, resource, registry);
  return {
    tracing: traces?.tracing,
    shutdown: async () => {
      const ended = Promise.allSettled([traces?.shutdown(), metrics?.shutdown()]);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, SHUTDOWN_MS);
      });
      await Promise.race([ended, late]);
      clearTimeout(timer);
    },
  };
}

async function resourceOf(version: string): Promise<Resource> {
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } =
    await import('@opentelemetry/resources');
  const ours = resourceFromAttributes({
    'service.name': 'logah',
    'service.version': version,
    'service.instance.id': randomUUID(),
  });
  // The variables of the environment come last: they are the operator's.
  return defaultResource()
    .merge(ours)
    .merge(detectResources({ detectors: [envDetector] }));
}

async function startTraces(
  protocol: Protocol,
  resource: Resource,
): Promise<{ readonly tracing: Tracing; readonly shutdown: () => Promise<void> }> {
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { SpanTracing } = await import('./tracing.js');
  const exporter = await traceExporter(protocol);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  return {
    tracing: new SpanTracing(provider.getTracer('logah')),
    shutdown: () => provider.shutdown(),
  };
}

async function startMetrics(
  { metricIntervalMs }: OtlpSettings,
  protocol: Protocol,
  resource: Resource,
  registry: Registry,
): Promise<{ readonly shutdown: () => Promise<void> }> {
  const { MeterProvider, PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
  const { RegistryProducer } = await import('./otlp-metrics.js');
  const reader = new PeriodicExportingMetricReader({
    exporter: await metricExporter(protocol),
    exportIntervalMillis: metricIntervalMs,
    exportTimeoutMillis: Math.min(metricIntervalMs, 30_000),
    metricProducers: [new RegistryProducer(registry)],
  });
  return new MeterProvider({ resource, readers: [reader] });
}

type Protocol = NonNullable<OtlpSettings['traces']>;

async function traceExporter(protocol: Protocol): Promise<SpanExporter> {
  switch (protocol) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
  }
}

async function metricExporter(protocol: Protocol): Promise<PushMetricExporter> {
  switch (protocol) {
    case 'grpc':
      return new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter();
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter();
  }
}
