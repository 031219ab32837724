import { status } from '@grpc/grpc-js';
import { connect, type LogahClient, type PredictionEvent } from '../../src/client';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import {
  endWithStatus,
  startFakeServer,
  statusError,
  type FakeServer,
  type PredictCall,
} from './fake-server';
import { messagesOf, prediction, summaryOf } from './fixtures';

const whole = prediction({ a: [4, 4], b: [40], c: [3] });
const request: PredictRequest = { chunkBytes: 4096 };
const lost = statusError({ code: status.UNAVAILABLE, message: 'the connection was lost' });

let server: FakeServer | undefined;
let client: LogahClient | undefined;

afterEach(() => {
  client?.close();
  server?.stop();
});

async function clientOf(predict: (call: PredictCall) => void): Promise<LogahClient> {
  server = await startFakeServer({ predict });
  client = connect(server.address);
  return client;
}

/** Answers a request, resumed or not, and breaks off behind byte `end`; without `end`, to the summary. */
function answer(call: PredictCall, end?: number): void {
  const from = call.request.resume?.offset ?? 0;
  for (const message of messagesOf(whole)) {
    if (message.chunk) {
      const { offset, data } = message.chunk;
      if (offset + data.length <= from || (end !== undefined && offset >= end)) continue;
      const skipped = Math.max(0, from - offset);
      call.write({ chunk: { offset: offset + skipped, data: data.subarray(skipped) } });
    } else if (message.plan) {
      call.write(message);
    }
  }
  if (end === undefined) {
    const { digests, ...rest } = summaryOf(whole);
    const kept = whole.plan.tensors.filter((tensor) => tensor.offset + tensor.bytes > from);
    call.write({ summary: { ...rest, digests: digests.slice(digests.length - kept.length) } });
    call.end();
  } else {
    endWithStatus(call, lost);
  }
}

async function collect(events: AsyncIterable<PredictionEvent>): Promise<{ data: Buffer; kinds: string[] }> {
  const parts: Buffer[] = [];
  const kinds: string[] = [];
  for await (const event of events) {
    kinds.push(event.kind);
    if (event.kind === 'data') parts.push(Buffer.from(event.data));
  }
  return { data: Buffer.concat(parts), kinds };
}

describe('a stream that breaks off', () => {
  it('goes on where it stopped, as often as it must, and yields one plan, all data and one summary', async () => {
    const ends = [48, 64, 160, undefined];
    const predicting = await clientOf((call) => {
      answer(call, ends[(server?.requests.length ?? 1) - 1]);
    });
    const { data, kinds } = await collect(predicting.predict(request));
    expect(data.equals(whole.data)).toBe(true);
    expect(kinds.filter((kind) => kind !== 'data')).toEqual(['plan', 'summary']);
    expect(server?.requests.map(({ resume }) => resume?.offset ?? 0)).toEqual([0, 48, 64, 160]);
    expect(server?.requests[1]?.resume?.fingerprint).toBe(whole.plan.fingerprint);
  });

  it('fails where the server now has another plan', async () => {
    const predicting = await clientOf((call) => {
      if (call.request.resume) call.write({ plan: { ...whole.plan, fingerprint: 'other' } });
      else answer(call, 16);
    });
    await expect(collect(predicting.predict(request))).rejects.toThrow(/fingerprint of the resumed plan/);
  });

  it('fails where the resumed stream begins elsewhere', async () => {
    const predicting = await clientOf((call) => {
      if (call.request.resume) {
        call.write({ plan: whole.plan });
        call.write({ chunk: { offset: 0, data: whole.data.subarray(0, 16) } });
      } else answer(call, 16);
    });
    await expect(collect(predicting.predict(request))).rejects.toThrow(/chunk offset/);
  });

  it('checks the digests of the tensors that were not whole when it broke off', async () => {
    const predicting = await clientOf((call) => {
      if (!call.request.resume) {
        answer(call, 16);
        return;
      }
      call.write({ plan: whole.plan });
      const damaged = Buffer.from(whole.data.subarray(16));
      damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
      call.write({ chunk: { offset: 16, data: damaged } });
      call.write({ summary: summaryOf(whole) });
      call.end();
    });
    await expect(collect(predicting.predict(request))).rejects.toThrow(/CRC-32 of "c"/);
  });

  it('is given up after some attempts that bring nothing', async () => {
    const predicting = await clientOf((call) => {
      if (call.request.resume) endWithStatus(call, lost);
      else answer(call, 32);
    });
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    // Every attempt of ours is one of gRPC's own retries as well, which stop at three.
    expect(new Set(server?.requests.slice(1).map(({ resume }) => resume?.offset))).toEqual(new Set([32]));
  });

  it('is not repeated after an error that would only come again', async () => {
    const refused = statusError({ code: status.INTERNAL, message: 'a fault' });
    const predicting = await clientOf((call) => {
      call.write({ plan: whole.plan });
      endWithStatus(call, refused);
    });
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code: status.INTERNAL });
    expect(server?.requests).toHaveLength(1);
  });

  it('is not resumed once the signal has aborted', async () => {
    const controller = new AbortController();
    const predicting = await clientOf((call) => {
      answer(call, 16);
    });
    const events = predicting.predict(request, { signal: controller.signal });
    const first = await events.next();
    controller.abort();
    expect(first.value).toMatchObject({ kind: 'plan' });
    await expect(collect(events)).rejects.toMatchObject({ kind: 'cancelled' });
  });
});
