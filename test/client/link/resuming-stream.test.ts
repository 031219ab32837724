import { status } from '@grpc/grpc-js';
import { connect, type ConnectOptions, type LogahClient, type PredictionEvent } from '../../../src/client';
import type { PredictRequest } from '../../../src/gen/logah/v1/PredictRequest';
import {
  endWithStatus,
  proxyError,
  sendAll,
  startFakeServer,
  statusError,
  type FakeServer,
  type PredictCall,
} from '../fake-server';
import { messagesOf, prediction, summaryOf } from '../fixtures';

const whole = prediction({ a: [4, 4], b: [40], c: [3] });
const request: PredictRequest = { chunkBytes: 4096 };
const lost = statusError({ code: status.UNAVAILABLE, message: 'the connection was lost' });

let server: FakeServer | undefined;
let other: FakeServer | undefined;
let client: LogahClient | undefined;

afterEach(() => {
  client?.close();
  server?.stop();
  other?.stop();
  other = undefined;
});

async function clientOf(
  predict: (call: PredictCall) => void,
  options: ConnectOptions = {},
): Promise<LogahClient> {
  server = await startFakeServer({ predict });
  client = connect(server.address, options);
  return client;
}

/**
 * Answers a request, resumed or not, and breaks off behind byte `end` in the way of `breakOff`; without `end`, to the
 * summary.
 */
function answer(
  call: PredictCall,
  end?: number,
  breakOff: (call: PredictCall) => void = (broken) => {
    endWithStatus(broken, lost);
  },
): void {
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
    breakOff(call);
  }
}

/** A status as the end of a stream. */
const ending =
  (error: Error) =>
  (call: PredictCall): void => {
    endWithStatus(call, error);
  };

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

  it('is given up when patience is over and nothing new has come', async () => {
    const predicting = await clientOf(
      (call) => {
        if (call.request.resume) endWithStatus(call, lost);
        else answer(call, 32);
      },
      { patienceMs: 300 },
    );
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(server?.requests.length).toBeGreaterThan(2);
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

  it('is not resumed at all without patience', async () => {
    const predicting = await clientOf(
      (call) => {
        answer(call, 32);
      },
      { patienceMs: 0 },
    );
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(server?.requests).toHaveLength(1);
  });

  it.each([
    ['INTERNAL', status.INTERNAL],
    ['UNKNOWN', status.UNKNOWN],
    ['CANCELLED', status.CANCELLED],
    ['DEADLINE_EXCEEDED', status.DEADLINE_EXCEEDED],
    ['RESOURCE_EXHAUSTED', status.RESOURCE_EXHAUSTED],
    ['UNIMPLEMENTED', status.UNIMPLEMENTED],
    ['ABORTED', status.ABORTED],
  ])('goes on where a proxy has made %s of the break', async (_, code) => {
    const predicting = await clientOf((call) => {
      answer(call, server?.requests.length === 1 ? 64 : undefined, ending(proxyError(code)));
    });
    const { data, kinds } = await collect(predicting.predict(request));
    expect(data.equals(whole.data)).toBe(true);
    expect(kinds.filter((kind) => kind !== 'data')).toEqual(['plan', 'summary']);
    expect(server?.requests.map(({ resume }) => resume?.offset ?? 0)).toEqual([0, 64]);
  });

  it.each([
    ['UNAUTHENTICATED', status.UNAUTHENTICATED],
    ['PERMISSION_DENIED', status.PERMISSION_DENIED],
  ])('does not go on where a proxy answers %s, which no lost server becomes', async (_, code) => {
    const predicting = await clientOf((call) => {
      answer(call, 64, ending(proxyError(code)));
    });
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code });
    expect(server?.requests).toHaveLength(1);
  });

  it('goes on where a proxy ends it as if that were all', async () => {
    const predicting = await clientOf((call) => {
      answer(call, server?.requests.length === 1 ? 64 : undefined, (broken) => broken.end());
    });
    expect((await collect(predicting.predict(request))).data.equals(whole.data)).toBe(true);
  });

  it('fails where the server twice sends the plan and ends it, without a byte', async () => {
    const predicting = await clientOf((call) => {
      answer(call, 64, (broken) => broken.end());
    });
    await expect(collect(predicting.predict(request))).rejects.toThrow(/end of the stream is early/);
    expect(server?.requests).toHaveLength(3);
  });

  it('is whole once the summary has come, however a proxy ends it behind that', async () => {
    const predicting = await clientOf((call) => {
      for (const message of messagesOf(whole)) call.write(message);
      endWithStatus(call, proxyError(status.INTERNAL));
    });
    expect((await collect(predicting.predict(request))).kinds.at(-1)).toBe('summary');
    expect(server?.requests).toHaveLength(1);
  });

  it('is whole once the summary has come, though the stream stays open behind it', async () => {
    const predicting = await clientOf((call) => {
      for (const message of messagesOf(whole)) call.write(message);
    });
    expect((await collect(predicting.predict(request))).kinds.at(-1)).toBe('summary');
    expect(server?.requests).toHaveLength(1);
  });

  it('goes on after silence, though the connection stands', async () => {
    const predicting = await clientOf(
      (call) => {
        // Nothing more, and no end.
        answer(call, server?.requests.length === 1 ? 64 : undefined, () => undefined);
      },
      { stallMs: 200 },
    );
    const { data } = await collect(predicting.predict(request));
    expect(data.equals(whole.data)).toBe(true);
    expect(server?.requests.map(({ resume }) => resume?.offset ?? 0)).toEqual([0, 64]);
  });

  it('goes on where a proxy passes several attempts on to the server that hangs', async () => {
    const predicting = await clientOf(
      (call) => {
        if (server?.requests.length === 1) answer(call, 64, () => undefined);
        else if ((server?.requests.length ?? 0) > 6) answer(call);
      },
      { stallMs: 400 },
    );
    expect((await collect(predicting.predict(request))).data.equals(whole.data)).toBe(true);
    expect(server?.requests).toHaveLength(7);
  });

  it("does not take its reader's own slowness for silence", async () => {
    const predicting = await clientOf(
      (call) => {
        answer(call);
      },
      { stallMs: 100 },
    );
    const events = predicting.predict(request);
    const first = await events.next();
    expect(first.value).toMatchObject({ kind: 'plan' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await collect(events)).data.equals(whole.data)).toBe(true);
    expect(server?.requests).toHaveLength(1);
  });
});

describe('a call before its answer has begun', () => {
  /** A server that fails the first `count` calls. */
  const failing = async (error: Error, count: number, options: ConnectOptions = {}) =>
    clientOf((call) => {
      if ((server?.requests.length ?? 0) <= count) endWithStatus(call, error);
      else sendAll(call, messagesOf(whole));
    }, options);

  it('is made again where a proxy has lost the server', async () => {
    for (const code of [status.UNAVAILABLE, status.INTERNAL, status.UNKNOWN, status.CANCELLED]) {
      const predicting = await failing(proxyError(code), 2);
      expect((await collect(predicting.predict(request))).data.equals(whole.data)).toBe(true);
      predicting.close();
      server?.stop();
    }
  });

  it('fails where a status that may be an answer comes three times', async () => {
    const predicting = await failing(proxyError(status.INTERNAL), 9);
    await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code: status.INTERNAL });
    expect(server?.requests).toHaveLength(3);
  });

  it('fails at once with what the service itself says', async () => {
    for (const code of [status.INTERNAL, status.INVALID_ARGUMENT, status.NOT_FOUND]) {
      const predicting = await failing(statusError({ code, message: 'no' }), 9);
      await expect(collect(predicting.predict(request))).rejects.toMatchObject({ code });
      expect(server?.requests).toHaveLength(1);
      predicting.close();
      server?.stop();
    }
  });

  it('waits as long as a busy server asks for, and no longer than patience lasts', async () => {
    const busy = statusError({ code: status.RESOURCE_EXHAUSTED, message: 'busy', retryAfterMs: 400 });
    const start = performance.now();
    const predicting = await failing(busy, 1);
    expect((await collect(predicting.predict(request))).data.equals(whole.data)).toBe(true);
    expect(performance.now() - start).toBeGreaterThan(399);
    predicting.close();
    server?.stop();
    const impatient = await failing(busy, 9, { patienceMs: 300 });
    await expect(collect(impatient.predict(request))).rejects.toMatchObject({ retryAfterMs: 400 });
    expect(server?.requests).toHaveLength(1);
  });

  it('fails where the service gives no hope that the load will pass', async () => {
    const predicting = await failing(statusError({ code: status.RESOURCE_EXHAUSTED, message: 'big' }), 9);
    await expect(collect(predicting.predict(request))).rejects.toThrow('big');
    expect(server?.requests).toHaveLength(1);
  });

  it('holds for plans, lists of models and tokenizers too', async () => {
    const failures = new Map<string, number>();
    const second = <Response>(method: string, response: Response): Response => {
      const count = (failures.get(method) ?? 0) + 1;
      failures.set(method, count);
      if (count < 2) throw proxyError(status.UNAVAILABLE);
      return response;
    };
    server = await startFakeServer({
      plan: () => second('plan', whole.plan),
      listModels: () => second('listModels', { models: [] }),
      getTokenizer: () => second('tokenizer', { files: [] }),
    });
    client = connect(server.address);
    expect((await client.plan(request)).fingerprint).toBe(whole.plan.fingerprint);
    expect((await client.listModels()).models).toEqual([]);
    expect((await client.tokenizer('m')).size).toBe(0);
    expect([...failures.values()]).toEqual([2, 2, 2]);
  });
});

describe('a client of two servers', () => {
  it('goes on at the second where the first has gone', async () => {
    other = await startFakeServer({
      predict: (call) => {
        answer(call);
      },
    });
    server = await startFakeServer({
      predict: (call) => {
        answer(call, 64, () => undefined);
      },
    });
    client = connect([server.address, other.address]);
    const parts: Buffer[] = [];
    for await (const event of client.predict(request)) {
      if (event.kind !== 'data') continue;
      parts.push(Buffer.from(event.data));
      if (event.offset + event.data.length === 64) server.stop();
    }
    expect(Buffer.concat(parts).equals(whole.data)).toBe(true);
    expect(other.requests.map(({ resume }) => resume?.offset)).toEqual([64]);
    expect(client.target).toBe(other.address);
  });

  it('asks the second at once where the first is busy', async () => {
    const busy = statusError({ code: status.RESOURCE_EXHAUSTED, message: 'busy', retryAfterMs: 3_600_000 });
    server = await startFakeServer({ predict: ending(busy) });
    other = await startFakeServer({
      predict: (call) => {
        answer(call);
      },
    });
    client = connect([server.address, other.address]);
    expect((await collect(client.predict(request))).data.equals(whole.data)).toBe(true);
  });

  it('asks the first again where the second is away too', async () => {
    server = await startFakeServer({
      predict: (call) => {
        answer(call, server?.requests.length === 1 ? 64 : undefined);
      },
    });
    client = connect([server.address, '127.0.0.1:1']);
    expect((await collect(client.predict(request))).data.equals(whole.data)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });
});
