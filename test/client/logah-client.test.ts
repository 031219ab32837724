import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { status, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import {
  connect,
  ProtocolError,
  RemoteError,
  type ConnectOptions,
  type LogahClient,
  type PredictionEvent,
} from '../../src/client';
import { isLoopback } from '../../src/client/link/channel';
import {
  endWithStatus,
  sendAll,
  startFakeServer,
  statusError,
  type Answers,
  type FakeServer,
  type PredictCall,
} from './fake-server';
import { collect, messagesOf, prediction } from './fixtures';

const whole = prediction({ a: [300, 20], b: [7] });
const REQUEST = { architecture: { transformersConfig: Buffer.from('{}') } };

let server: FakeServer | undefined;
let client: LogahClient | undefined;

async function connectTo(answers: Answers, options: ConnectOptions = {}): Promise<LogahClient> {
  server = await startFakeServer(answers);
  client = connect(server.address, options);
  return client;
}

/** The error that `promise` must reject with. */
async function failure(promise: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RemoteError);
  return error as RemoteError;
}

function sendPlan(call: PredictCall): void {
  call.write({ plan: whole.plan });
}

/** A port of 127.0.0.1 that nothing listens on. */
async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

afterEach(() => {
  client?.close();
  server?.stop();
});

// It tells of a proxy that it cannot reach whenever it tries again, be the test over or not.
beforeAll(() => {
  setLogVerbosity(logVerbosity.NONE);
});

describe('the client', () => {
  it('streams a prediction', async () => {
    const { predict } = await connectTo({
      predict: (call) => {
        sendAll(call, messagesOf(whole, 4096));
      },
    });
    const events = await collect(predict({ ...REQUEST, seed: 5, chunkBytes: 4096, sha256: true }));
    const data = events.flatMap((event) => (event.kind === 'data' ? [event.data] : []));
    expect(Buffer.concat(data).equals(whole.data)).toBe(true);
    expect(server?.requests[0]).toMatchObject({ seed: 5, chunkBytes: 4096, sha256: true, model: '' });
  });

  it('raises an error of the stream only after the events before it', async () => {
    const { predict } = await connectTo({
      predict: (call) => {
        sendPlan(call);
        endWithStatus(call, statusError({ code: status.INTERNAL, message: 'internal error' }));
      },
    });
    const kinds: string[] = [];
    const run = async (): Promise<void> => {
      for await (const { kind } of predict(REQUEST)) kinds.push(kind);
    };
    const error = await failure(run());
    expect(kinds).toEqual(['plan']);
    expect(error).toMatchObject({ code: status.INTERNAL, message: 'internal error' });
  });

  it('decodes field violations, the delay of a retry and the reason', async () => {
    const violations = [{ field: 'architecture.transformers_config', description: 'not JSON' }];
    const busy = statusError({
      code: status.RESOURCE_EXHAUSTED,
      message: 'busy',
      violations,
      retryAfterMs: 1500,
      reason: 'TOO_BUSY',
    });
    const answers = {
      plan: () => {
        throw busy;
      },
    };
    const { plan } = await connectTo(answers, { patienceMs: 0 });
    expect(await failure(plan(REQUEST))).toMatchObject({
      kind: 'resource_exhausted',
      message: 'busy',
      violations,
      retryAfterMs: 1500,
      reason: 'TOO_BUSY',
      isOfService: true,
    });
  });

  it('checks the plan of a unary call too', async () => {
    const { plan } = await connectTo({ plan: () => ({ ...whole.plan, totalBytes: 1 }) });
    await expect(plan(REQUEST)).rejects.toThrow(ProtocolError);
  });

  it('lists models', async () => {
    const { listModels } = await connectTo({
      listModels: () => ({ models: [{ name: 'm' }], defaultModel: 'm' }),
    });
    expect(await listModels()).toMatchObject({ defaultModel: 'm', models: [{ name: 'm', parameters: 0 }] });
  });

  it("fetches a tokenizer, and refuses a file name that is no tokenizer's", async () => {
    const data = Buffer.from('{}');
    let name = 'tokenizer.json';
    const { tokenizer } = await connectTo({ getTokenizer: () => ({ files: [{ name, data }] }) });
    expect([...(await tokenizer('m'))]).toEqual([['tokenizer.json', data]]);
    for (name of ['../tokenizer.json', 'config.json', 'tokenizer.json/x', '']) {
      await expect(tokenizer('m')).rejects.toThrow('expected one such as tokenizer.json');
    }
  });

  it('names the address of a server that it cannot reach', async () => {
    const port = await closedPort();
    client = connect(`127.0.0.1:${port}`);
    const error = await failure(client.listModels());
    expect(error.kind).toBe('unavailable');
    expect(error.message).toMatch(
      new RegExp(`server 127\\.0\\.0\\.1:${port} is unavailable: .*ECONNREFUSED`),
    );
  });

  it('goes round a proxy to a server on the loopback, whatever the environment says', async () => {
    const port = await closedPort();
    process.env.http_proxy = process.env.grpc_proxy = `http://127.0.0.1:${port}`;
    try {
      const { listModels } = await connectTo({ listModels: () => ({ models: [], defaultModel: 'm' }) });
      expect((await listModels()).defaultModel).toBe('m');
      client?.close();
      // Any other server is reached through it; this one is not there, and the message is whole.
      client = connect('logah.invalid:50051', { patienceMs: 0 });
      const error = await failure(client.listModels());
      expect(error.message).toMatch(/^server logah\.invalid:50051 is unavailable: ./);
      expect(error.message).not.toMatch(/undefined|null/);
    } finally {
      delete process.env.http_proxy;
      delete process.env.grpc_proxy;
    }
  });

  it.each([
    ['127.0.0.1:1', true],
    ['localhost:1', true],
    ['dns:///localhost:1', true],
    ['[::1]:1', true],
    ['ipv4:127.0.0.1:1,127.0.0.2:2', true],
    ['ipv4:127.0.0.1:1,10.0.0.1:2', false],
    ['unix:/run/logah.sock', true],
    ['logah:50051', false],
    ['127.0.0.1.example.org:1', false],
    ['10.127.0.1:1', false],
    ['[2001:db8::1]:1', false],
  ])('knows whether %s is on this machine', (target, expected) => {
    expect(isLoopback(target)).toBe(expected);
  });

  it('takes a deadline that no timer can hold for none', async () => {
    const { listModels } = await connectTo({ listModels: () => ({ models: [], defaultModel: 'm' }) });
    expect((await listModels({ deadlineMs: 2 ** 40 })).defaultModel).toBe('m');
  });

  it('cancels the call on the server when its signal aborts', async () => {
    const abort = new AbortController();
    let onCancelled: () => void = () => undefined;
    const seen = new Promise<void>((resolve) => (onCancelled = resolve));
    const { predict } = await connectTo({
      predict: (call: PredictCall) => {
        call.on('cancelled', onCancelled);
        sendPlan(call);
      },
    });
    const events = predict(REQUEST, { signal: abort.signal });
    expect((await events.next()).value).toMatchObject({ kind: 'plan' });
    const next = events.next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ name: 'LogahError', kind: 'cancelled' });
    await seen;
  });

  it('cancels the call on the server when the loop is left', async () => {
    let onCancelled: () => void = () => undefined;
    const seen = new Promise<void>((resolve) => (onCancelled = resolve));
    const { predict } = await connectTo({
      predict: (call: PredictCall) => {
        call.on('cancelled', onCancelled);
        sendPlan(call);
      },
    });
    for await (const event of predict(REQUEST) as AsyncIterable<PredictionEvent>) {
      expect(event.kind).toBe('plan');
      break;
    }
    await seen;
  });

  it('does not call the server where the signal is aborted already', async () => {
    const { predict, plan } = await connectTo({});
    const signal = AbortSignal.abort();
    await expect(collect(predict(REQUEST, { signal }))).rejects.toMatchObject({ kind: 'cancelled' });
    await expect(plan(REQUEST, { signal })).rejects.toMatchObject({ kind: 'cancelled' });
    expect(server?.requests).toEqual([]);
  });

  it('gives up at the deadline', async () => {
    const { predict } = await connectTo({ predict: () => undefined });
    const error = await failure(collect(predict(REQUEST, { deadlineMs: 50 })));
    expect(error.kind).toBe('deadline_exceeded');
  });
});
