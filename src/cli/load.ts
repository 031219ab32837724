/** Load on a server: streams at a time, each read to its end, and health checks meanwhile. */

import { setMaxListeners } from 'node:events';
import type { LogahClient, PredictRequest, Security } from '../client';
import { startHealthProbe, type HealthTimes } from './health-probe';

/** What one stream took; times in seconds from the start of the call. */
export interface StreamTimes {
  readonly firstChunkSeconds: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly serverPeakMemoryBytes: number;
}

/** What a round of streams at a time took. */
export interface Round {
  readonly streams: readonly StreamTimes[];
  /** From the start of the first stream to the end of the last. */
  readonly seconds: number;
  readonly bytes: number;
  /** Undefined where the server has no health service. */
  readonly health: HealthTimes | undefined;
}

/** Reads one stream, checks it as every client does, and drops the data. Throws like `LogahClient.predict`. */
export async function timeStream(
  client: LogahClient,
  request: PredictRequest,
  signal?: AbortSignal,
): Promise<StreamTimes> {
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  let firstChunkSeconds: number | undefined;
  let bytes = 0;
  let serverPeakMemoryBytes = 0;
  for await (const event of client.predict(request, { signal })) {
    if (event.kind === 'data') {
      firstChunkSeconds ??= elapsed();
      bytes += event.data.length;
    } else if (event.kind === 'summary') {
      serverPeakMemoryBytes = event.summary.peakMemoryBytes;
    }
  }
  const seconds = elapsed();
  return { firstChunkSeconds: firstChunkSeconds ?? seconds, seconds, bytes, serverPeakMemoryBytes };
}

/** Reads `count` streams at a time, while another thread asks for the server's health, over `tls` where that is given. */
export async function timeRound(
  client: LogahClient,
  request: PredictRequest,
  count: number,
  signal?: AbortSignal,
  tls?: Security['tls'],
): Promise<Round> {
  // Each stream listens for the signal; Node would warn of a leak from the eleventh on.
  if (signal !== undefined) setMaxListeners(0, signal);
  const probe = await startHealthProbe(client.target, tls);
  try {
    const start = performance.now();
    const streams = await Promise.all(
      Array.from({ length: count }, () => timeStream(client, request, signal)),
    );
    const seconds = (performance.now() - start) / 1000;
    const bytes = streams.reduce((sum, stream) => sum + stream.bytes, 0);
    return { streams, seconds, bytes, health: await probe.stop() };
  } finally {
    await probe.stop();
  }
}
