/** What callers send ahead of being read: a wide window lets them, and it is counted, bounded, and given back. */

import { once } from 'node:events';
import { constants } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { BUNDLE } from '../support/parity-fixtures';
import { framed, openSession, path, rawCall } from '../support/raw-call';
import { startServer, type ServerProcess } from '../support/server-process';

const WINDOW_BYTES = 2 ** 19;

/** More than is let in without being counted. */
const UNASKED = Buffer.alloc(500_000);

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

it('a request may have half a mebibyte on its way, and a connection too', async () => {
  const session = openSession(server.address);
  await once(session, 'remoteSettings');
  expect(session.remoteSettings.initialWindowSize).toBe(WINDOW_BYTES);
  await new Promise((resolve) => session.ping(resolve));
  expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
  session.destroy();
});

it('a request that nobody reads may have no more than 64 KiB', async () => {
  const session = openSession(server.address);
  const { ending } = rawCall(session, '/no.such/Method', { body: UNASKED, end: false });
  expect(await ending).toMatchObject({ reset: constants.NGHTTP2_ENHANCE_YOUR_CALM });
  session.destroy();
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
