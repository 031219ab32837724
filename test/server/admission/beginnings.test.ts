import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Beginnings } from '../../../src/server/admission/beginnings';

interface Begun {
  readonly path: string;
  /** Of the event loop. */
  readonly turn: number;
}

let server: Http2Server;
let sessions: ClientHttp2Session[];
let begun: Begun[];
let onBegun: () => void;
let beginnings: Beginnings;
let counting: NodeJS.Immediate;

beforeEach(async () => {
  sessions = [];
  begun = [];
  onBegun = () => undefined;
  let turn = 0;
  const count = (): void => {
    turn++;
    counting = setImmediate(count);
  };
  count();
  server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    begun.push({ path: String(headers[':path']), turn });
    if (!stream.closed) stream.respond({ ':status': 200 }, { endStream: true });
    onBegun();
  });
  beginnings = new Beginnings();
  beginnings.watch(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  clearImmediate(counting);
  for (const session of sessions) session.destroy();
  server.close();
});

async function open(): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  sessions.push(session);
  await once(session, 'remoteSettings');
  return session;
}

const until = (count: number): Promise<void> =>
  new Promise((resolve) => {
    onBegun = () => {
      if (begun.length === count) resolve();
    };
  });

describe('calls that arrive together', () => {
  it('begin in turns of the event loop of their own, in their order', async () => {
    const session = await open();
    const all = until(100);
    for (let index = 0; index < 100; index++) session.request({ ':path': `/${index}` }).resume();
    await all;
    expect(begun.map(({ path }) => path)).toEqual(Array.from({ length: 100 }, (_, index) => `/${index}`));
    expect(new Set(begun.map(({ turn }) => turn)).size).toBe(100);
    expect(beginnings.size).toBe(0);
  });

  it('leave a call of another connection its turn', async () => {
    const [many, one] = [await open(), await open()];
    const all = until(101);
    for (let index = 0; index < 100; index++) many.request({ ':path': `/many/${index}` }).resume();
    let isSent = false;
    const first = onBegun;
    onBegun = () => {
      // While the first hundred wait, another comes.
      if (!isSent) one.request({ ':path': '/one' }).resume();
      isSent = true;
      first();
    };
    await all;
    expect(begun.findIndex(({ path }) => path === '/one')).toBeLessThan(90);
  });

  it('and are reset before they have begun never begin', async () => {
    const session = await open();
    const last = new Promise<void>((resolve) => {
      onBegun = () => {
        if (begun.at(-1)?.path === '/last') resolve();
      };
    });
    for (let index = 0; index < 100; index++) {
      const stream = session.request({ ':path': `/${index}` });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    session.request({ ':path': '/last' }).resume();
    await last;
    // The first one had begun when its end was read.
    expect(begun.length).toBeLessThan(10);
  });
});
