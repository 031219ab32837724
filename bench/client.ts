/**
 * The client: a process of its own that reads one stream at a time as its parent says, and tells what that took. Every
 * byte is copied into the client's memory: a buffer for the whole answer, touched beforehand, where `keep` says so,
 * otherwise one of 64 MiB that is written round and round.
 */

import { Client, credentials } from '@grpc/grpc-js';
import { connect, predictDense, type LogahClient } from '../src/client';
import { CHANNEL_OPTIONS } from '../src/client/link/channel';
import { LogahService } from '../src/contract/service-clients';
import type { PredictRequest } from '../src/gen/logah/v1/PredictRequest';
import type { PredictResponse__Output } from '../src/gen/logah/v1/PredictResponse';
import { CEILING_METHOD, type CeilingRequest } from './ceiling';
import { answerJobs } from './answer-jobs';

const ROUND_BYTES = 64 * 2 ** 20;

/** What the parent asks for. */
export type Job = {
  readonly target: string;
  /** Bytes that the answer is known to have, where it is to be kept whole. */
  readonly keep?: number;
  /** Leave after the first data. */
  readonly onlyFirst?: boolean;
} & (
  | ({ readonly kind: 'ceiling' } & CeilingRequest)
  /** `predict`: with the client library and all of its checks, made dense. `unchecked`: the same messages without. */
  | { readonly kind: 'predict' | 'unchecked'; readonly request: PredictRequest }
);

/** What it took; times from the start of the call. */
export interface Outcome {
  readonly seconds: number;
  readonly firstChunkSeconds: number;
  /** Dense bytes. */
  readonly bytes: number;
  readonly cpuSeconds: number;
}

/** Takes data; false: no more. */
type Sink = (data: Buffer) => boolean;

let memory = Buffer.alloc(0);
const clients = new Map<string, LogahClient>();
const channels = new Map<string, Client>();

answerJobs(perform);

async function perform(job: Job): Promise<Outcome> {
  const wanted = job.keep ?? ROUND_BYTES;
  if (memory.length !== wanted) memory = Buffer.alloc(wanted, 1);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let firstChunkSeconds: number | undefined;
  let bytes = 0;
  await read(job, (data) => {
    firstChunkSeconds ??= (performance.now() - start) / 1000;
    let at = bytes % memory.length;
    if (at + data.length > memory.length) at = 0;
    data.copy(memory, at);
    bytes += data.length;
    return job.onlyFirst !== true;
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds,
    firstChunkSeconds: firstChunkSeconds ?? seconds,
    bytes,
    cpuSeconds: (user + system) / 1e6,
  };
}

async function read(job: Job, sink: Sink): Promise<void> {
  switch (job.kind) {
    case 'ceiling': {
      const { path, requestSerialize, responseDeserialize } = CEILING_METHOD;
      const request = { bytes: job.bytes, chunkBytes: job.chunkBytes };
      const call = channelTo(job.target).makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
      );
      try {
        for await (const chunk of call) if (!sink(chunk as Buffer)) break;
      } finally {
        call.cancel();
      }
      return;
    }
    case 'unchecked': {
      const { path, requestSerialize, responseDeserialize } = LogahService.service.Predict;
      const call = channelTo(job.target).makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        job.request,
      );
      try {
        for await (const message of call) {
          const { chunk } = message as PredictResponse__Output;
          if (chunk && !sink(chunk.data)) break;
        }
      } finally {
        // Leaving the loop destroys the stream and leaves the call open, which then holds memory of the server unread.
        call.cancel();
      }
      return;
    }
    case 'predict': {
      const client = clients.get(job.target) ?? connect(job.target);
      clients.set(job.target, client);
      for await (const event of predictDense(client, job.request)) {
        if (event.kind === 'data' && !sink(event.data)) break;
      }
    }
  }
}

function channelTo(target: string): Client {
  const channel = channels.get(target) ?? new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
  channels.set(target, channel);
  return channel;
}
