/** The instruments of the registry as OpenTelemetry's metrics, those of RPCs by its conventions. */

import { ValueType, type Attributes, type HrTime } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type CollectionResult,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/** Names of OpenTelemetry's semantic conventions for RPC, where they have one. */
const CONVENTIONS: Readonly<Record<string, string>> = {
  grpc_server_call_started_total: 'grpc.server.call.started',
  grpc_server_call_duration_seconds: 'rpc.server.call.duration',
  grpc_server_call_sent_total_compressed_message_size_bytes: 'rpc.server.response.size',
  grpc_server_call_rcvd_total_compressed_message_size_bytes: 'rpc.server.request.size',
};

const ATTRIBUTES: Readonly<Record<string, string>> = {
  grpc_method: 'rpc.method',
  grpc_status: 'rpc.response.status_code',
};

type Value = MetricValue<string> & { readonly metricName?: string };

/** Reads the registry whenever metrics are exported. */
export class RegistryProducer implements MetricProducer {
  readonly #registry: Registry;
  readonly #start = hrTime(performance.timeOrigin);

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async collect(): Promise<CollectionResult> {
    const now = hrTime(Date.now());
    const read = (await this.#registry.getMetricsAsJSON()) as MetricObjectWithValues<Value>[];
    const metrics = read.flatMap((metric) => this.#metricOf(metric, now));
    const scope = { name: 'logah' };
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope, metrics }] }, errors: [] };
  }

  #metricOf({ name, help, type, values }: MetricObjectWithValues<Value>, now: HrTime): MetricData[] {
    const point = <Of>(attributes: Attributes, value: Of): DataPoint<Of> => ({
      startTime: this.#start,
      endTime: now,
      attributes,
      value,
    });
    const common = {
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      descriptor: {
        name: CONVENTIONS[name] ?? name,
        description: help,
        unit: unitOf(name),
        valueType: ValueType.DOUBLE,
        advice: {},
      },
    };
    const numbers = (): DataPoint<number>[] =>
      values.map(({ labels, value }) => point(attributesOf(labels), value));
    // The library types its kinds as numbers, and has their names at run time.
    switch (String(type)) {
      case 'histogram': {
        const dataPoints = histogramsOf(values).map(({ attributes, value }) => point(attributes, value));
        return [{ ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints }];
      }
      case 'counter':
        return [{ ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers() }];
      case 'gauge':
        return [{ ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers() }];
      default:
        return [];
    }
  }
}

/** Joins the lines that Prometheus has of one histogram. */
function histogramsOf(values: readonly Value[]): { attributes: Attributes; value: Histogram }[] {
  const found = new Map<
    string,
    { attributes: Attributes; bounds: number[]; cumulative: number[]; sum: number; count: number }
  >();
  for (const { labels, metricName = '', value } of values) {
    const { le, ...others } = labels;
    const key = JSON.stringify(others);
    const entry = found.get(key) ?? {
      attributes: attributesOf(others),
      bounds: [],
      cumulative: [],
      sum: 0,
      count: 0,
    };
    found.set(key, entry);
    if (metricName.endsWith('_sum')) entry.sum = value;
    else if (metricName.endsWith('_count')) entry.count = value;
    else if (le !== undefined && le !== '+Inf') {
      entry.bounds.push(Number(le));
      entry.cumulative.push(value);
    }
  }
  return [...found.values()].map(({ attributes, bounds, cumulative, sum, count }) => ({
    attributes,
    value: {
      buckets: {
        boundaries: bounds,
        counts: [...cumulative, count].map(
          (at, index) => at - (index === 0 ? 0 : (cumulative[index - 1] ?? 0)),
        ),
      },
      sum,
      count,
    },
  }));
}

function attributesOf(labels: Readonly<Partial<Record<string, string | number>>>): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(labels)) {
    if (value !== undefined) attributes[ATTRIBUTES[name] ?? name] = String(value);
  }
  return 'rpc.method' in attributes ? { 'rpc.system.name': 'grpc', ...attributes } : attributes;
}

/** By UCUM, from the end of the name. */
function unitOf(name: string): string {
  const base = name.replace(/_total$/, '');
  return base.endsWith('_seconds') ? 's' : base.endsWith('_bytes') ? 'By' : '1';
}

function hrTime(milliseconds: number): HrTime {
  return [Math.floor(milliseconds / 1000), Math.round((milliseconds % 1000) * 1e6)];
}
