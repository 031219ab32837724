/** Asks for a server's health again and again, in a thread of its own so that the streams being read do not delay it. */

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Security } from '../client';

/** Milliseconds of each check that was answered, in order. */
export type HealthTimes = readonly number[];

/** A probe at work. */
export interface HealthProbe {
  /** Ends it; undefined where the server does not answer health checks. Safe to call twice. */
  stop(): Promise<HealthTimes | undefined>;
}

/** Starts a probe, and waits for the answer to its first check, which is not counted. */
export async function startHealthProbe(target: string, tls?: Security['tls']): Promise<HealthProbe> {
  const worker = new Worker(join(__dirname, 'health-probe-worker.js'), { workerData: { target, tls } });
  await once(worker, 'message');
  let stopped: Promise<HealthTimes | undefined> | undefined;
  const stop = async (): Promise<HealthTimes | undefined> => {
    const answer = once(worker, 'message') as Promise<[HealthTimes | undefined]>;
    const ended = once(worker, 'exit');
    worker.postMessage('stop');
    const [times] = await answer;
    await ended;
    return times;
  };
  return { stop: () => (stopped ??= stop()) };
}
