/** OpenTelemetry's own variables. */

import { LogahError } from '../errors';
import { quoted } from '../untrusted-text';

/** How OpenTelemetry's data travels. */
export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

/** What OpenTelemetry's standard variables ask for; the exporters read the rest of them themselves. */
export interface OtlpSettings {
  /** Undefined: no traces are exported. */
  readonly traces: OtlpProtocol | undefined;
  /** Undefined: no metrics are exported. */
  readonly metrics: OtlpProtocol | undefined;
  readonly metricIntervalMs: number;
}

const METRIC_INTERVAL_MS = 60_000;

/**
 * Whether and how traces and metrics are exported: where an endpoint is given, or `otlp` as the exporter. Source:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function otlpSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): OtlpSettings {
  // An empty variable is one that is not set.
  const read = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const isOff = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT');
  const protocolOf = (signal: 'TRACES' | 'METRICS'): OtlpProtocol | undefined => {
    const exporters = read(`OTEL_${signal}_EXPORTER`)
      ?.split(',')
      .map((name) => name.trim());
    const isAsked =
      exporters?.includes('otlp') ??
      (endpoint !== undefined || read(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) !== undefined);
    if (isOff || !isAsked) return undefined;
    const name = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
    const given = read(name) ?? read('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
    if (given === 'grpc' || given === 'http/protobuf' || given === 'http/json') return given;
    const allowed = 'it must be grpc, http/protobuf or http/json';
    const variable = read(name) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : name;
    throw new LogahError('invalid_argument', `${variable} is ${quoted(given)}; ${allowed}`);
  };
  const interval = Number(read('OTEL_METRIC_EXPORT_INTERVAL') ?? METRIC_INTERVAL_MS);
  return {
    traces: protocolOf('TRACES'),
    metrics: protocolOf('METRICS'),
    metricIntervalMs: Number.isInteger(interval) && interval > 0 ? interval : METRIC_INTERVAL_MS,
  };
}
