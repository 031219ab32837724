import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect } from '../../src/client';
import { LogahService } from '../../src/contract/service-clients';
import type { PredictRequest } from '../../src/gen/logah/v1/PredictRequest';
import { BUNDLE } from '../support/parity-fixtures';
import { startServer, type ServerProcess } from '../support/server-process';

/** Two layers of GPT-2, 70 MB in float32: more than the windows and the server's buffers take where nobody reads. */
const UNREAD: PredictRequest = {
  architecture: {
    transformersConfig: Buffer.from('{"model_type": "gpt2", "n_layer": 2, "vocab_size": 1000}'),
  },
};

let server: ServerProcess;
let session: ClientHttp2Session | undefined;

afterEach(async () => {
  session?.destroy();
  session = undefined;
  await server.stop();
});

/** A prediction over a connection of its own, of which nothing is read yet. */
async function unreadStream(): Promise<{ goaway: Promise<number>; end: () => Promise<string | undefined> }> {
  const opened = connectHttp2(`http://${server.address}`).on('error', () => undefined);
  session = opened;
  const goaway = once(opened, 'goaway').then(([code]) => Number(code));
  const { path, requestSerialize } = LogahService.service.Predict;
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = opened.request(headers).on('error', () => undefined);
  const message = requestSerialize(UNREAD);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  let status: string | undefined;
  stream.once('trailers', (trailers: IncomingHttpHeaders) => {
    status = String(trailers['grpc-status']);
  });
  const closed = new Promise<void>((resolve) => {
    stream.once('close', resolve);
  });
  await once(stream, 'response');
  return {
    goaway,
    end: async () => {
      stream.resume();
      await closed;
      return status;
    },
  };
}

/** Why a session takes no new call: releases of Node.js throw, or cancel it when the session ends. */
function refusal(opened: ClientHttp2Session | undefined): Promise<string> {
  return new Promise((resolve) => {
    const refused = (error: unknown): void => {
      resolve(String(error));
    };
    try {
      opened?.request({ ':path': '/' }).on('error', refused).on('response', refused);
    } catch (error) {
      refused(error);
    }
  });
}

describe('a connection that reaches its age', () => {
  it('takes no new calls, and its stream in flight finishes', async () => {
    server = await startServer({ models: BUNDLE, flags: ['--max-connection-age', '1'] });
    const { goaway, end } = await unreadStream();
    expect(await goaway).toBe(0);
    const refused = refusal(session);
    expect(await end()).toBe('0');
    expect(await refused).toMatch(/GOAWAY|closed|canceled/i);
  });

  it('is ended with its stream when its grace is over', async () => {
    const flags = ['--max-connection-age', '1', '--max-connection-age-grace', '1'];
    server = await startServer({ models: BUNDLE, flags });
    const { goaway, end } = await unreadStream();
    expect(await goaway).toBe(0);
    const { status } = await server.logged('call');
    expect(status).not.toBe('OK');
    expect(await end()).toBeUndefined();
  });

  it('costs the readers of our client nothing', async () => {
    const flags = ['--max-connection-age', '1', '--max-connection-age-grace', '1'];
    server = await startServer({ models: BUNDLE, flags });
    const client = connect(server.address);
    const events = client.predict(UNREAD)[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ kind: 'plan' });
    await server.logged('call', ({ status }) => status !== 'OK');
    let last: unknown;
    for (let next = await events.next(); next.done !== true; next = await events.next()) last = next.value;
    expect(last).toMatchObject({ kind: 'summary' });
    client.close();
  });
});
