import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect } from '../../../src/client';

/** As docs/clients.md has it. */
const WINDOW_BYTES = 32 * 2 ** 20;

describe("a client's connection", () => {
  it('may carry 32 MiB without an acknowledgement, over each stream and over all of them together', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`127.0.0.1:${(server.address() as AddressInfo).port}`, { patienceMs: 0 });
    try {
      const sessions = once(server, 'session') as Promise<[ServerHttp2Session]>;
      const streams = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
      const answer = client.listModels().catch(() => undefined);
      const [session] = await sessions;
      await streams;
      expect(session.remoteSettings.initialWindowSize).toBe(WINDOW_BYTES);
      expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
      session.destroy();
      await answer;
    } finally {
      client.close();
      server.close();
    }
  });
});
