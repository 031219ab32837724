/** The thread of a health probe. Says "ready", then, when told to stop, the milliseconds that each check took. */

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Client } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { channelOptions } from '../client/link/channel';
import { channelCredentials, type Security } from '../client/link/security';

/** Milliseconds between the answer to a check and the next. */
const PAUSE_MS = 2;

const port = parentPort;
const { Check } = healthService;
if (port === null || Check === undefined) throw new Error('health-probe-worker runs as a worker thread');
const { path, requestSerialize, responseDeserialize } = Check;
const { target, tls } = workerData as Pick<Security, 'tls'> & { readonly target: string };
const client = new Client(target, channelCredentials({ tls: copied(tls) }), channelOptions(target));

/** What passes between threads are bytes, and no buffers of Node.js. */
function copied(given: Security['tls']): Security['tls'] {
  if (typeof given !== 'object') return given;
  const [ca, cert, key] = [given.ca, given.cert, given.key].map((pem) => pem && Buffer.from(pem));
  return { ca, cert, key };
}

/** Milliseconds that a check took; undefined where it failed. */
function check(): Promise<number | undefined> {
  const start = performance.now();
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: '' }, (error) => {
      resolve(error ? undefined : performance.now() - start);
    });
  });
}

async function probe(): Promise<void> {
  const stop = new AbortController();
  const stopped = once(stop.signal, 'abort');
  port?.once('message', () => {
    stop.abort();
  });
  const answers = (await check()) !== undefined;
  port?.postMessage('ready');
  const times: number[] = [];
  if (!answers) await stopped;
  // One more after the end, so that the shortest load has a measurement too.
  for (let last = false; answers && !last;) {
    last = stop.signal.aborted;
    const time = await check();
    if (time !== undefined) times.push(time);
    await delay(PAUSE_MS);
  }
  client.close();
  port?.postMessage(answers ? times : undefined);
}

void probe();
