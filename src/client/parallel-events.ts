/** One prediction over several streams at a time, of one server or of several. */

import type { PredictRequest } from '../gen/logah/v1/PredictRequest';
import type { CallSettings } from './link/call';
import { sentTensors, type CheckedPlan } from './checked-plan';
import type { LogahClient } from './logah-client';
import type { PredictionEvent, Summary } from './prediction-events';
import { expectEqual } from './protocol-error';
import type { DataPart } from './data-part';

/**
 * Predicts over `streams` streams, dealt out to the clients in turn. Yields the plan, then the data events of all
 * streams as they come (each stream in order, all of them not: place data by its `offset`), last one summary with every
 * digest. Each server must make the same plan. Throws as `predict` does, for the first stream that fails; the others are
 * cancelled.
 */
export async function* parallelEvents(
  clients: readonly [LogahClient, ...LogahClient[]],
  request: PredictRequest,
  streams: number,
  settings: CallSettings = {},
): AsyncGenerator<PredictionEvent, void, undefined> {
  const plan = await clients[0].plan(request, settings);
  yield { kind: 'plan', plan };
  // Ends the streams that still run when one fails or the caller has had enough.
  const controller = new AbortController();
  const cancel = (): void => {
    controller.abort(settings.signal?.reason);
  };
  settings.signal?.addEventListener('abort', cancel, { once: true });
  if (settings.signal?.aborted) cancel();
  const running = splitByTensors(plan, streams).map((part, index) => {
    const client = clients[index % clients.length] ?? clients[0];
    return client.predict(request, { ...settings, signal: controller.signal, part });
  });
  const summaries = new Array<Summary | undefined>(running.length).fill(undefined);
  const next = (index: number): Promise<Arrival> => {
    const events = running[index];
    if (events === undefined) throw new Error(`no stream ${index}`);
    return events.next().then((result) => ({ index, result }));
  };
  const waiting = new Map(running.map((_, index) => [index, next(index)]));
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      if (result.done === true) {
        waiting.delete(index);
        continue;
      }
      waiting.set(index, next(index));
      const event = result.value;
      if (event.kind === 'plan') expectEqual('fingerprint', event.plan.fingerprint, plan.fingerprint);
      else if (event.kind === 'summary') summaries[index] = event.summary;
      else yield event;
    }
    yield { kind: 'summary', summary: joinSummaries(plan, summaries) };
  } finally {
    settings.signal?.removeEventListener('abort', cancel);
    controller.abort();
    await Promise.allSettled(waiting.values());
    await Promise.allSettled(running.map((events) => events.return()));
  }
}

interface Arrival {
  readonly index: number;
  readonly result: IteratorResult<PredictionEvent, void>;
}

/** Up to `count` parts of about equal size that begin and end with tensors and together are all of the data. */
export function splitByTensors(plan: CheckedPlan, count: number): DataPart[] {
  const { fingerprint, totalBytes } = plan;
  const bounds = [0];
  for (const { offset, bytes } of sentTensors(plan)) {
    const target = (totalBytes * bounds.length) / count;
    if (offset + bytes >= target && offset + bytes > (bounds.at(-1) ?? 0)) bounds.push(offset + bytes);
  }
  if (bounds.at(-1) !== totalBytes) bounds.push(totalBytes);
  return bounds.slice(1).map((end, index) => ({ fingerprint, start: bounds[index] ?? 0, end }));
}

function joinSummaries(plan: CheckedPlan, summaries: readonly (Summary | undefined)[]): Summary {
  const all = summaries.flatMap((summary) => (summary === undefined ? [] : [summary]));
  const slowest = (of: (timings: NonNullable<Summary['timings']>) => number): number =>
    Math.max(0, ...all.map(({ timings }) => (timings ? of(timings) : 0)));
  return {
    digests: all.flatMap(({ digests }) => digests),
    totalBytes: plan.totalBytes,
    timings: {
      planSeconds: slowest(({ planSeconds }) => planSeconds),
      encodeSeconds: slowest(({ encodeSeconds }) => encodeSeconds),
      streamSeconds: slowest(({ streamSeconds }) => streamSeconds),
      decodeSeconds: slowest(({ decodeSeconds }) => decodeSeconds),
      writeSeconds: slowest(({ writeSeconds }) => writeSeconds),
    },
    peakMemoryBytes: Math.max(0, ...all.map(({ peakMemoryBytes }) => peakMemoryBytes)),
  };
}
