/** Connections, calls on them, and what is sent on them without being gRPC. */

import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { status } from '@grpc/grpc-js';
import { HealthClient } from '../support/health';
import { BUNDLE } from '../support/parity-fixtures';
import { predictAll } from '../support/predicted';
import { framed, openSession, path, rawCall } from '../support/raw-call';
import { SMALL } from '../support/requests';
import { startServer, type ServerProcess } from '../support/server-process';
import { LogahService } from '../../src/contract/service-clients';

let server: ServerProcess;

const HEAP_PROBE = `--require ${join(__dirname, '..', 'support', 'heap-probe.cjs')}`;

const start = async (...flags: string[]): Promise<void> => {
  server = await startServer({
    models: BUNDLE,
    flags: ['--workers', '1', ...flags],
    environment: { NODE_OPTIONS: HEAP_PROBE },
  });
};

/** Bytes of the server's objects that are in use. */
async function usedHeap(): Promise<number> {
  const before = server.logs.length;
  server.kill('SIGUSR2');
  const { used } = await server.logged('heap', (entry) => server.logs.indexOf(entry) >= before);
  return Number(used);
}

afterEach(async () => {
  // Whatever was done to it, the server goes on.
  expect((await predictAll(server.client, SMALL)).data.length).toBe(48);
  expect(server.logs.filter((entry) => Number(entry.level) >= 50)).toEqual([]);
  await server.stop();
});

async function openSocket(): Promise<Socket> {
  const [host = '', port = ''] = server.address.split(':');
  const socket = createConnection({ host, port: Number(port) });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A header of HPACK as it is. */
const header = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);

/** A call whose request is empty, on a stream of its own; `end` says that nothing follows it. */
function callFrames(stream: number, at: string, end: boolean): Buffer {
  const headers = [
    header(':method', 'POST'),
    header(':scheme', 'http'),
    header(':path', at),
    header(':authority', 'logah'),
    header('content-type', 'application/grpc'),
    header('te', 'trailers'),
  ];
  return Buffer.concat([
    frame(1, 4, stream, Buffer.concat(headers)),
    frame(0, end ? 1 : 0, stream, Buffer.alloc(5)),
  ]);
}

/** Connections that come and go, and the bytes that each may leave: a session has some thousands. */
const GONE = 1000;
const MOST_LEFT_BEHIND = 1500;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));

describe('a server of few connections', () => {
  it('ends the idlest where another comes, and answers that', async () => {
    await start('--max-connections', '4');
    const idle = await Promise.all(Array.from({ length: 4 }, openSocket));
    const ended = Promise.race(idle.map((socket) => once(socket, 'close')));
    for (const socket of idle) socket.resume();
    const health = new HealthClient(server.address);
    expect(await health.check()).toBe('SERVING');
    await ended;
    health.close();
    for (const socket of idle) socket.destroy();
  });

  it('keeps those that are in use by the same caller, and refuses another', async () => {
    await start('--max-connections', '2');
    const sessions = [openSession(server.address), openSession(server.address)];
    const watches = sessions.map((session) =>
      rawCall(session, '/grpc.health.v1.Health/Watch', { body: framed(Buffer.alloc(0)) }),
    );
    await Promise.all(watches.map(({ stream }) => once(stream, 'response')));
    const third = await openSocket();
    third.resume();
    await once(third, 'close');
    expect(sessions.some((session) => session.closed)).toBe(false);
    for (const session of sessions) session.destroy();
  });
});

describe('a connection whose caller has said all that it will', () => {
  const hello = Buffer.concat([PREFACE, SETTINGS, frame(4, 1, 0, Buffer.alloc(0))]);

  it.each([
    ['without a word', Buffer.alloc(0)],
    ['behind a preface', PREFACE],
    ['behind settings', hello],
    ['behind a call', Buffer.concat([hello, callFrames(1, '/grpc.health.v1.Health/Check', true)])],
    ['amid an answer', Buffer.concat([hello, callFrames(1, '/grpc.health.v1.Health/Watch', true)])],
    ['amid a request', Buffer.concat([hello, callFrames(1, path('Predict'), false)])],
  ])('is ended at once, %s', async (_, bytes) => {
    await start();
    const socket = createConnection({
      host: '127.0.0.1',
      port: Number(server.address.split(':')[1]),
      allowHalfOpen: true,
    });
    await once(socket, 'connect');
    const ended = once(socket.resume(), 'end');
    // Nothing of this end's closes it: without the server's end, this would wait for the idle limit.
    socket.end(bytes);
    await ended;
    socket.destroy();
  });
});

describe('calls', () => {
  it('on one connection are as many as the server says in its settings', async () => {
    await start();
    const session = openSession(server.address);
    const [settings] = (await once(session, 'remoteSettings')) as [{ maxConcurrentStreams: number }];
    expect(settings.maxConcurrentStreams).toBe(128);
    session.destroy();
  });

  it('of every kind count, beyond the limit they are refused with advice, and checks of health never are', async () => {
    await start('--max-calls', '3');
    const session = openSession(server.address);
    const watches = Array.from({ length: 3 }, () =>
      rawCall(session, '/grpc.health.v1.Health/Watch', { body: framed(Buffer.alloc(0)) }),
    );
    await Promise.all(watches.map(({ stream }) => once(stream, 'response')));
    for (const at of [path('ListModels'), path('Predict'), '/grpc.health.v1.Health/Watch']) {
      const refused = await rawCall(session, at, { body: framed(Buffer.alloc(0)) }).ending;
      expect(refused).toMatchObject({
        status: status.RESOURCE_EXHAUSTED,
        details: '3 calls are open; this server allows 3 (--max-calls)',
      });
      await server.logged('refused', ({ requestId }) => requestId === refused.requestId);
    }
    const { ending } = rawCall(session, '/grpc.health.v1.Health/Check', { body: framed(Buffer.alloc(0)) });
    expect((await ending).status).toBe(status.OK);
    session.destroy();
    for (const { ending: ended } of watches) await ended;
  });

  it('with a deadline beyond what a timer can hold have none', async () => {
    await start();
    const body = framed(LogahService.service.Predict.requestSerialize(SMALL));
    const session = openSession(server.address);
    for (const timeout of ['99999999H', '99999999M', '99999999S', '2147483648m', '600H']) {
      const { ending } = rawCall(session, path('Predict'), { body, headers: { 'grpc-timeout': timeout } });
      expect({ timeout, status: (await ending).status }).toEqual({ timeout, status: status.OK });
    }
    session.destroy();
  });

  it('with a request beyond what names can take are refused before it has arrived', async () => {
    await start();
    const session = openSession(server.address);
    for (const rpc of ['ListModels', 'GetExpansion', 'GetTokenizer']) {
      const { ending } = rawCall(session, path(rpc), { body: framed(Buffer.alloc(100_000)) });
      expect(await ending).toMatchObject({
        status: status.RESOURCE_EXHAUSTED,
        details: 'the request is larger than 4096 bytes, the most for a request to this method',
      });
    }
    session.destroy();
  });
});

describe('what is no gRPC', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no preface', Buffer.alloc(100, 'A')],
    ['a preface alone', PREFACE],
    ['a preface and no frames', Buffer.concat([PREFACE, Buffer.alloc(100, 'A')])],
    ['a preface and settings', Buffer.concat([PREFACE, SETTINGS])],
    // CVE-2026-21714: of this, Node.js kept the session.
    [
      'a window beyond its bound',
      Buffer.concat([PREFACE, SETTINGS, frame(8, 0, 0, Buffer.from([127, 255, 255, 255]))]),
    ],
  ])('and says %s leaves nothing behind when it has gone', async (_, bytes) => {
    await start();
    const before = await usedHeap();
    for (let count = 0; count < GONE; count++) {
      const socket = await openSocket();
      socket.resume();
      // It does not wait for an answer, which then finds nobody.
      await new Promise<void>((resolve) => socket.end(bytes, resolve).once('close', resolve));
      socket.destroy();
    }
    expect((await usedHeap()) - before).toBeLessThan(GONE * MOST_LEFT_BEHIND);
  });

  it('of any bytes, after the preface or without it, concerns that connection alone', async () => {
    // A stream that was opened and left is ended then.
    await start('--stall-seconds', '1');
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
        async (polite, parts) => {
          const socket = await openSocket();
          socket.resume();
          if (polite) socket.write(Buffer.concat([PREFACE, SETTINGS]));
          for (const part of parts) socket.write(part);
          await new Promise<void>((resolve) => socket.end(resolve).once('close', resolve));
          socket.destroy();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('of frames of any kind on any stream concerns that connection alone', async () => {
    await start('--stall-seconds', '1');
    const anyFrame = fc
      .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 64 }))
      .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 20 }), async (frames) => {
        const socket = await openSocket();
        socket.resume();
        socket.write(Buffer.concat([PREFACE, SETTINGS, ...frames]));
        await new Promise<void>((resolve) => socket.end(resolve).once('close', resolve));
        socket.destroy();
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['pings', frame(6, 0, 0, Buffer.alloc(8))],
    ['settings', frame(4, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]))],
    ['continuations', frame(9, 0, 1, Buffer.alloc(64))],
    ['resets', frame(3, 0, 1, Buffer.alloc(4))],
    ['window updates', frame(8, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ])('of a flood of %s does not keep others from being answered', async (_, flood) => {
    await start();
    const health = new HealthClient(server.address);
    const socket = await openSocket();
    socket.resume();
    socket.write(Buffer.concat([PREFACE, SETTINGS, ...Array.from({ length: 20_000 }, () => flood)]));
    for (let count = 0; count < 5; count++) expect(await health.check()).toBe('SERVING');
    socket.destroy();
    health.close();
  });

  it('of a flood of calls that are reset at once does not keep others from being answered', async () => {
    await start();
    const health = new HealthClient(server.address);
    const session = connectHttp2(`http://${server.address}`);
    session.on('error', () => undefined);
    for (let count = 0; count < 2000 && !session.closed; count++) {
      const { stream } = rawCall(session, path('Predict'), { body: framed(Buffer.alloc(0)) });
      stream.close(8);
    }
    for (let count = 0; count < 5; count++) expect(await health.check()).toBe('SERVING');
    session.destroy();
    health.close();
  });
});
