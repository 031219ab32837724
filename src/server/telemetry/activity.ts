/** How busy the server is, as the contract has it: read from the metrics, so that both always say the same. */

import type { Registry } from 'prom-client';
import type { GetActivityResponse } from '../../gen/logah/v1/GetActivityResponse';
import { STAGES } from './call-record';

/** The service whose calls are counted, and its RPC that would count itself. */
const COUNTED = 'logah.v1.LogahService/';
const UNCOUNTED = 'logah.v1.LogahService/GetActivity';

/** The answer, from the instruments of `Metrics` and `watchServer`. */
export async function activityOf(registry: Registry): Promise<GetActivityResponse> {
  const [streams, held, limits, tiles, workers, bytes, elements, calls, refused, stages] = await Promise.all(
    [
      'logah_streams',
      'logah_held',
      'logah_held_limit',
      'logah_tiles',
      'logah_workers',
      'logah_sent_bytes_total',
      'logah_sent_elements_total',
      'grpc_server_call_started_total',
      'logah_refused_total',
      'logah_stage_seconds',
    ].map((name) => valuesOf(registry, name)),
  );
  const used = byLabel(held, 'resource');
  const most = byLabel(limits, 'resource');
  const stateOf = (values: readonly Value[] | undefined, state: string): number =>
    byLabel(values, 'state').get(state) ?? 0;
  const [busy, idle] = [stateOf(workers, 'busy'), stateOf(workers, 'idle')];
  return {
    uptimeSeconds: process.uptime(),
    held: [...used].map(([name, amount]) => ({ name, used: amount, limit: most.get(name) ?? 0 })),
    planningStreams: stateOf(streams, 'planning'),
    waitingStreams: stateOf(streams, 'waiting'),
    runningJobs: stateOf(tiles, 'in_flight'),
    waitingJobs: stateOf(tiles, 'waiting'),
    busyWorkers: busy,
    workers: busy + idle,
    sentBytes: sum(bytes),
    sentElements: Math.round(sum(elements)),
    startedCalls: sum(calls?.filter(({ labels }) => isCounted(String(labels.grpc_method)))),
    refusedCalls: sum(refused),
    stages: STAGES.map((name) => {
      const own = stages?.filter(({ labels }) => labels.stage === name);
      const figure = (suffix: string): number =>
        sum(own?.filter(({ metricName }) => metricName === `logah_stage_seconds_${suffix}`));
      return { name, seconds: figure('sum'), predictions: figure('count') };
    }),
    memoryBytes: process.memoryUsage.rss(),
  };
}

/** A figure of an instrument; parts of histograms have names of their own. */
interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly metricName?: string | undefined;
}

async function valuesOf(registry: Registry, name: string): Promise<readonly Value[]> {
  const metric = registry.getSingleMetric(name);
  if (metric === undefined) throw new Error(`there is no metric ${name}`);
  return (await metric.get()).values;
}

function byLabel(values: readonly Value[] | undefined, label: string): ReadonlyMap<string, number> {
  return new Map(values?.map(({ labels, value }) => [String(labels[label]), value]));
}

function isCounted(method: string): boolean {
  return method.startsWith(COUNTED) && method !== UNCOUNTED;
}

function sum(values: readonly Value[] | undefined): number {
  return values?.reduce((total, { value }) => total + value, 0) ?? 0;
}
