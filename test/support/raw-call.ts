/** Calls over bare HTTP/2: any bytes, and readers that do not read. */

import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';

/** gRPC's path of each RPC by its name. */
export const path = (method: string): string => `/logah.v1.LogahService/${method}`;

/** How a call ended: its gRPC status, or why there is none. */
export interface Ending {
  /** Undefined where the stream ended without one. */
  readonly status: number | undefined;
  readonly details: string;
  readonly requestId: string;
  /** HTTP/2's code of the reset, 0 for none. */
  readonly reset: number;
}

/** What is sent. */
export interface RawCallOptions {
  /** Whole messages with their prefixes, or whatever. */
  readonly body: Uint8Array;
  /** Whether nothing follows it; default: true. */
  readonly end?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether answers are read; default: true. */
  readonly read?: boolean;
}

/** A session with the smallest windows, whose faults are those of its streams. */
export function openSession(address: string, socket?: Duplex): ClientHttp2Session {
  const session = connect(`http://${address}`, {
    settings: { initialWindowSize: 65_535 },
    ...(socket && { createConnection: () => socket }),
  });
  session.on('error', () => undefined);
  return session;
}

/** A message with gRPC's prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Opens a call. */
export function rawCall(
  session: ClientHttp2Session,
  at: string,
  { body, end = true, headers = {}, read = true }: RawCallOptions,
): { readonly stream: ClientHttp2Stream; readonly ending: Promise<Ending> } {
  const stream = session.request(
    {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: at,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      te: 'trailers',
      ...headers,
    },
    { endStream: false },
  );
  let seen: Partial<Record<string, string | string[]>> = {};
  const see = (given: object): void => {
    seen = { ...seen, ...given };
  };
  stream
    .on('response', see)
    .on('trailers', see)
    .on('error', () => undefined);
  const ending = new Promise<Ending>((resolve) => {
    stream.once('close', () => {
      resolve({
        status: seen['grpc-status'] === undefined ? undefined : Number(seen['grpc-status']),
        details: decodeURIComponent([seen['grpc-message'] ?? ''].join('')),
        requestId: [seen['x-request-id'] ?? ''].join(''),
        reset: stream.rstCode,
      });
    });
  });
  if (read) stream.resume();
  if (end) stream.end(body);
  else stream.write(body);
  return { stream, ending };
}
