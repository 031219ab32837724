/** What the server is doing now, for those who may see it: asked for every other second while it is looked at. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { GetActivityResponse } from '../../../src/gen/es/logah/v1/logah_pb';
import { LineChart } from '../charts/line-chart';
import { service } from '../contract/client';
import { faultOf, type Fault } from '../contract/fault';
import { FaultNote } from '../ui/fault-note';
import { formatBytes, formatCount, formatShort } from '../ui/format';
import { heldOf, ratesOf, withReading, type Rates } from './readings';
import { StageTable } from './stage-table';

const EVERY_MS = 2000;

/** The view. */
export function LiveView(): VNode {
  const readings = useSignal<readonly GetActivityResponse[]>([]);
  const fault = useSignal<Fault | undefined>(undefined);
  const isPaused = useSignal(false);
  const paused = isPaused.value;
  useEffect(() => {
    if (paused) return undefined;
    const mine = new AbortController();
    let next: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        const reading = await service.getActivity({}, { signal: mine.signal });
        readings.value = withReading(readings.value, reading);
        fault.value = undefined;
      } catch (error) {
        if (mine.signal.aborted) return;
        fault.value = faultOf(error);
      }
      // What the server refuses once, it refuses again.
      const isOver = fault.value !== undefined && fault.value.kind !== 'unavailable';
      if (!mine.signal.aborted && !isOver) next = setTimeout(() => void read(), EVERY_MS);
    };
    void read();
    return () => {
      mine.abort();
      clearTimeout(next);
    };
  }, [paused]);
  const last = readings.value.at(-1);
  return (
    <section class="live" aria-label="Live" aria-busy={last === undefined && fault.value === undefined}>
      <div class="toolbar">
        <p class="quiet">All callers of this server together, every {EVERY_MS / 1000} seconds.</p>
        <button type="button" aria-pressed={paused} onClick={() => (isPaused.value = !paused)}>
          Pause
        </button>
      </div>
      {fault.value && <FaultNote fault={fault.value} />}
      {last && <Figures last={last} rates={ratesOf(readings.value)} />}
    </section>
  );
}

function Figures({
  last,
  rates,
}: {
  readonly last: GetActivityResponse;
  readonly rates: readonly Rates[];
}): VNode {
  const [streams, connections, tiles] = ['streams', 'connections', 'tile_bytes'].map((name) =>
    heldOf(last, name),
  );
  const now = rates.at(-1);
  const line = (figure: (of: Rates) => number): readonly (readonly [number, number])[] =>
    rates.map((of) => [of.at - last.uptimeSeconds, figure(of)] as const);
  return (
    <div class="cards">
      <div class="column">
        <article class="card">
          <h2>Now</h2>
          <dl class="facts">
            <Figure name="streams" value={ofLimit(streams)} />
            <Figure name="waiting to be planned" value={formatCount(last.planningStreams)} />
            <Figure name="waiting for memory" value={formatCount(last.waitingStreams)} />
            <Figure name="jobs waiting for a worker" value={formatCount(last.waitingJobs)} />
            <Figure name="workers busy" value={`${last.busyWorkers} of ${last.workers}`} />
            <Figure name="connections" value={ofLimit(connections)} />
            <Figure name="tiles in memory" value={ofLimit(tiles, formatBytes)} />
            <Figure name="memory of the process" value={formatBytes(Number(last.memoryBytes))} />
            <Figure name="bytes a second" value={now ? formatBytes(Math.round(now.bytes)) : '–'} />
            <Figure name="elements a second" value={now ? formatShort(Math.round(now.elements)) : '–'} />
            <Figure
              name="calls, refused"
              value={`${formatCount(Number(last.startedCalls))}, ${formatCount(Number(last.refusedCalls))}`}
            />
            <Figure name="up for" value={formatDuration(last.uptimeSeconds)} />
          </dl>
        </article>
        <StageTable stages={last.stages} />
      </div>
      {rates.length > 1 && (
        <div class="column">
          <article class="card">
            <h3>Bytes a second</h3>
            <LineChart
              label="Bytes a second over time"
              lines={[{ name: 'bytes a second', className: 'line-own', points: line(({ bytes }) => bytes) }]}
              xLabel="seconds"
            />
          </article>
          <article class="card">
            <h3>Streams and queue</h3>
            <LineChart
              label="Streams, and jobs that wait for a worker, over time"
              lines={[
                { name: 'streams', className: 'line-own', points: line(({ openStreams }) => openStreams) },
                {
                  name: 'jobs that wait',
                  className: 'line-other',
                  points: line(({ waitingJobs }) => waitingJobs),
                },
              ]}
              xLabel="seconds"
            />
          </article>
        </div>
      )}
    </div>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ofLimit(
  held: { readonly used: number; readonly limit: number } | undefined,
  format: (amount: number) => string = formatCount,
): string {
  return held === undefined ? '–' : `${format(held.used)} of ${format(held.limit)}`;
}

function formatDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
