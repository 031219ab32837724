/**
 * The callers of `bench/security.ts`: a process of its own for each, which reads streams as its parent says, with TLS and a
 * token or without, and keeps nothing of what it reads.
 */

import { connect, predictDense, type LogahClient, type Security } from '../src/client';
import { LogahService } from '../src/contract/service-clients';
import { CHANNEL_OPTIONS } from '../src/client/link/channel';
import { channelCredentials, tokenInterceptors } from '../src/client/link/security';
import type { LogahServiceClient } from '../src/gen/logah/v1/LogahService';
import type { PredictRequest } from '../src/gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../src/gen/logah/v1/PredictResponse';
import { answerJobs } from './answer-jobs';

/** Whom to ask for what. */
export interface Ask {
  readonly target: string;
  /** PEM of the authority; undefined: plain text. */
  readonly ca?: string;
  readonly token?: string;
  readonly request: PredictRequest;
}

/** What the parent asks for. */
export type SecurityJob = Ask &
  (
    | { readonly kind: 'whole' }
    /** Leaves after the first data; one call at a time. */
    | { readonly kind: 'first' }
    /** So many streams at a time, each followed by another, until `seconds` after the first data of all have passed. */
    | { readonly kind: 'streams'; readonly streams: number; readonly seconds: number }
  );

/** What it took. */
export interface SecurityOutcome {
  readonly seconds: number;
  readonly bytes: number;
  /** Of streams: bytes so far at points in time, in milliseconds since 1970. */
  readonly course?: readonly Point[];
}

export interface Point {
  readonly at: number;
  readonly bytes: number;
}

const COURSE_MS = 50;

const clients = new Map<string, LogahClient>();
const stubs = new Map<string, LogahServiceClient>();

answerJobs(perform);

function perform(job: SecurityJob): Promise<SecurityOutcome> {
  switch (job.kind) {
    case 'whole':
      return whole(job);
    case 'first':
      return first(job);
    case 'streams':
      return during(job, job.streams, job.seconds);
  }
}

function securityOf({ ca, token }: Ask): Security {
  return { ...(ca !== undefined && { tls: { ca } }), token };
}

/** With the client library and all of its checks. */
async function whole(ask: Ask): Promise<SecurityOutcome> {
  const client = clients.get(ask.target) ?? connect(ask.target, securityOf(ask));
  clients.set(ask.target, client);
  const started = performance.now();
  let bytes = 0;
  for await (const event of predictDense(client, ask.request)) {
    if (event.kind === 'data') bytes += event.data.length;
  }
  return { seconds: (performance.now() - started) / 1000, bytes };
}

function stubOf(ask: Ask): LogahServiceClient {
  const security = securityOf(ask);
  const channel = channelCredentials(security);
  const interceptors = tokenInterceptors([ask.target], channel, security.token);
  const stub =
    stubs.get(ask.target) ?? new LogahService(ask.target, channel, { ...CHANNEL_OPTIONS, interceptors });
  stubs.set(ask.target, stub);
  return stub;
}

async function first(ask: Ask): Promise<SecurityOutcome> {
  const started = performance.now();
  const stream = stubOf(ask).Predict(ask.request);
  try {
    for await (const message of stream) {
      const { chunk } = message as PredictResponse__Output;
      if (!chunk) continue;
      return { seconds: (performance.now() - started) / 1000, bytes: chunk.data.length };
    }
    throw new Error('a stream had no data');
  } finally {
    // Leaving the loop destroys the stream and leaves the call open, which then holds memory of the server unread.
    stream.cancel();
  }
}

async function during(ask: Ask, streams: number, seconds: number): Promise<SecurityOutcome> {
  const stub = stubOf(ask);
  let bytes = 0;
  let isOver = false;
  const cancels = new Set<() => void>();
  const begun: (() => void)[] = [];
  const allBegun = Promise.all(
    Array.from({ length: streams }, () => new Promise<void>((resolve) => begun.push(resolve))),
  );
  const go = (onBegun: (() => void) | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = stub.Predict(ask.request);
      const cancel = (): void => {
        stream.cancel();
      };
      cancels.add(cancel);
      stream
        .on('data', ({ chunk }: PredictResponse__Output) => {
          onBegun?.();
          bytes += chunk?.data.length ?? 0;
        })
        .on('error', (error) => {
          if (isOver) resolve();
          else reject(error);
        })
        .on('end', () => {
          cancels.delete(cancel);
          if (isOver) resolve();
          else go(undefined).then(resolve, reject);
        });
    });
  const running = Promise.all(begun.map((onBegun) => go(onBegun)));
  await Promise.race([allBegun, running]);
  bytes = 0;
  const course: Point[] = [];
  const note = (): void => {
    course.push({ at: Date.now(), bytes });
  };
  note();
  const noting = setInterval(note, COURSE_MS);
  const started = performance.now();
  await Promise.race([running, new Promise((resolve) => setTimeout(resolve, seconds * 1000))]);
  clearInterval(noting);
  note();
  const outcome = { seconds: (performance.now() - started) / 1000, bytes, course };
  isOver = true;
  for (const cancel of cancels) cancel();
  await running;
  return outcome;
}
