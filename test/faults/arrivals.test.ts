/** What callers send ahead of being read: it is counted, bounded, and given back. */

import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { BUNDLE } from '../support/parity-fixtures';
import { delimited } from '../support/protobuf';
import { framed, openSession, path, rawCall } from '../support/raw-call';
import { startServer, type ServerProcess } from '../support/server-process';

/** More than is let in without being counted. */
const UNASKED = Buffer.alloc(500_000);

const CONFIG = Buffer.from('{"model_type":"gpt2","n_layer":2,"n_embd":48,"n_head":4,"vocab_size":100}');
const PLAN = delimited(1, delimited(1, delimited(2, CONFIG)));
/** What the contract does not know is no fault of a request. */
const UNKNOWN_FIELD = 900;

let server: ServerProcess;
let endpoint: string;

beforeAll(async () => {
  server = await startServer({
    models: BUNDLE,
    flags: ['--workers', '1', '--metrics-address', '127.0.0.1:0'],
  });
  const { metrics } = await server.logged('listening');
  endpoint = `http://${String(metrics)}`;
});

afterAll(async () => {
  await server.stop();
});

/** What calls hold of a resource. */
async function held(resource: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  return Number(new RegExp(`^logah_held\\{resource="${resource}"\\} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function untilNoCalls(): Promise<void> {
  while ((await held('calls')) > 0) await delay(5);
}

it('a request that nobody reads is told so, however much comes', async () => {
  const session = openSession(server.address);
  const { ending } = rawCall(session, '/no.such/Method', { body: UNASKED, end: false });
  expect((await ending).status).toBe(status.UNIMPLEMENTED);
  session.destroy();
});

it('many large requests at the same moment over one connection and over many are all answered', async () => {
  const body = framed(Buffer.concat([PLAN, delimited(UNKNOWN_FIELD, Buffer.alloc(250_000))]));
  const sessions = Array.from({ length: 20 }, () => openSession(server.address));
  const first = sessions.slice(0, 1);
  for (const over of [first, sessions]) {
    const calls = Array.from({ length: 60 }, (_, call) => {
      const session = over[call % over.length];
      if (session === undefined) throw new Error('no session');
      return rawCall(session, path('Plan'), { body }).ending;
    });
    for (const { status: answered, reset } of await Promise.all(calls)) {
      expect(reset).toBe(0);
      expect(answered).toBe(status.OK);
    }
  }
  for (const session of sessions) session.destroy();
});

it('what comes behind a request for names is refused, though nobody reads it', async () => {
  const session = openSession(server.address);
  const body = Buffer.concat([framed(Buffer.alloc(0)), UNASKED]);
  const { ending } = rawCall(session, path('ListModels'), { body, end: false });
  expect((await ending).status).not.toBe(status.OK);
  session.destroy();
  await untilNoCalls();
  expect(await held('request_bytes')).toBe(0);
});

describe('many messages in one call, each five bytes of it one', () => {
  const METHODS = [
    path('Plan'),
    path('ListModels'),
    path('InspectTensors'),
    '/grpc.health.v1.Health/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  ];
  const headers = { 'grpc-encoding': 'gzip' };

  it.each(METHODS)('are refused as such for %s', async (method) => {
    const session = openSession(server.address);
    for (const isCompressed of [false, true]) {
      const body = Buffer.concat(Array.from({ length: 400 }, () => framed(Buffer.alloc(0), isCompressed)));
      const { ending } = rawCall(session, method, { body, end: false, headers });
      const { status: answered, details, requestId } = await ending;
      expect(answered).toBe(status.INVALID_ARGUMENT);
      expect(details).toMatch(/more than (one message|256 messages)/);
      expect(requestId).not.toBe('');
    }
    session.destroy();
    await untilNoCalls();
    expect(await held('request_bytes')).toBe(0);
  });
});
