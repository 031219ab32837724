/**
 * The parts of grpc-js that are not of its interface and that bounding a server needs all the same: its HTTP/2 servers,
 * and the HTTP/2 stream and the framing below a call. Each is looked for, never assumed.
 */

import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What grpc-js's own call does before it writes; what all messages go through. */
export interface MessageFramer {
  serializeMessage(message: unknown): Buffer;
}

/** Whether a call is one that frames messages. */
export function isMessageFramer(call: object): call is MessageFramer {
  return 'serializeMessage' in call && typeof call.serializeMessage === 'function';
}

/** The HTTP/2 stream of a call; undefined should grpc-js keep it elsewhere one day, which a test would tell. */
export function http2StreamOf(call: object): ServerHttp2Stream | undefined {
  const stream = 'stream' in call ? call.stream : undefined;
  return typeof stream === 'object' && stream !== null && 'pushStream' in stream
    ? (stream as ServerHttp2Stream)
    : undefined;
}

/** The HTTP/2 servers of a gRPC server that is bound, one an address. Throws where grpc-js keeps them elsewhere. */
export function http2ServersOf(server: Server): Http2Server[] {
  const kept = (server as unknown as { http2Servers?: unknown }).http2Servers;
  if (!(kept instanceof Map) || kept.size === 0)
    throw new Error('this grpc-js keeps its HTTP/2 servers elsewhere');
  return [...kept.keys()] as Http2Server[];
}
