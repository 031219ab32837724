/** Callers that ask for answers and never read them, many at a time, over as many connections as that takes. */

import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { createConnection } from 'node:net';
import { delimited, text } from './protobuf';
import { framed, path, rawCall } from './raw-call';

/** Of one connection, less than a server allows. */
const CALLS_PER_CONNECTION = 100;

/** What the contract does not know is no fault of a request, and should cost nothing once it is planned. */
const UNKNOWN_FIELD = 900;
const UNKNOWN_BYTES = 250_000;

/** What is asked for: an RPC's path, its request, and whether more requests follow. */
export interface HostileCall {
  readonly name: string;
  readonly path: string;
  readonly body: Buffer;
  readonly end?: boolean;
}

const config = (layers: number): Buffer =>
  delimited(
    1,
    delimited(
      2,
      Buffer.from(`{"model_type":"gpt2","n_layer":${layers},"n_embd":768,"n_head":12,"vocab_size":50257}`),
    ),
  );

/** One of every RPC; the model has an expansion of this digest. */
export function hostileCalls(model: string, expansion: string): readonly HostileCall[] {
  const predict = config(12);
  const reflection = framed(text(4, 'logah.v1.LogahService'));
  return [
    { name: 'Predict', path: path('Predict'), body: framed(predict) },
    {
      name: 'Predict, chunks of 4 MiB',
      path: path('Predict'),
      body: framed(Buffer.concat([predict, Buffer.from([0x28, 0x80, 0x80, 0x80, 0x02])])),
    },
    {
      name: 'Predict, with much that is unknown',
      path: path('Predict'),
      body: framed(Buffer.concat([predict, delimited(UNKNOWN_FIELD, Buffer.alloc(UNKNOWN_BYTES))])),
    },
    { name: 'Plan', path: path('Plan'), body: framed(delimited(1, config(100))) },
    {
      name: 'GetExpansion',
      path: path('GetExpansion'),
      body: framed(Buffer.concat([text(1, model), text(2, expansion)])),
    },
    { name: 'GetTokenizer', path: path('GetTokenizer'), body: framed(text(1, 'logah-tiny-gpt2-kjv')) },
    { name: 'ListModels', path: path('ListModels'), body: framed(Buffer.alloc(0)) },
    { name: 'Watch', path: '/grpc.health.v1.Health/Watch', body: framed(Buffer.alloc(0)) },
    { name: 'Check', path: '/grpc.health.v1.Health/Check', body: framed(Buffer.alloc(0)) },
    {
      name: 'ServerReflectionInfo',
      path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      // Again and again, on each stream.
      body: Buffer.concat(Array.from({ length: 100 }, () => reflection)),
      end: false,
    },
    {
      name: 'requests that do not end',
      path: path('Predict'),
      body: unfinished(15_000_000, 60_000),
      end: false,
    },
    {
      name: 'requests that do not end, as far as the window allows',
      path: path('Predict'),
      body: unfinished(15_000_000, 1_000_000),
      end: false,
    },
    {
      name: 'what comes behind a request, as far as the window allows',
      path: path('ListModels'),
      body: Buffer.concat([framed(Buffer.alloc(0)), Buffer.alloc(1_000_000)]),
      end: false,
    },
    {
      name: 'an RPC that there is not, as far as the window allows',
      path: '/no.such/Method',
      body: Buffer.alloc(1_000_000),
      end: false,
    },
  ];
}

/** The beginning of a message of `length` bytes. */
function unfinished(length: number, sent: number): Buffer {
  const message = framed(Buffer.alloc(sent));
  message.writeUInt32BE(length, 1);
  return message;
}

/** Calls that are open. */
export interface OpenCalls {
  /** Those that were not refused. */
  readonly open: () => number;
  readonly close: () => void;
}

/** Makes so many calls, of which nothing is read. */
export async function openCalls(address: string, call: HostileCall, count: number): Promise<OpenCalls> {
  const sessions: ClientHttp2Session[] = [];
  let open = 0;
  for (let made = 0; made < count;) {
    const [host = '', port = ''] = address.split(':');
    const socket = createConnection({ host, port: Number(port) });
    const session = connect(`http://${address}`, {
      createConnection: () => socket,
      // Nothing of an answer's data can be sent.
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    sessions.push(session);
    await Promise.race([once(session, 'remoteSettings'), once(session, 'close')]);
    for (let one = 0; one < CALLS_PER_CONNECTION && made < count && !session.closed; one++, made++) {
      const { body, end = true } = call;
      const { stream } = rawCall(session, call.path, { body, end, read: false });
      open++;
      stream.once('close', () => open--);
    }
    if (session.closed) break;
  }
  return {
    open: () => open,
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}
