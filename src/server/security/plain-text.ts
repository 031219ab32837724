/**
 * Answers clients that speak plain text to a port that speaks TLS. Left alone, they would read the alert of TLS as HTTP/2
 * and tell their users of a protocol error.
 */

import { constants, createServer, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { encodeStatusDetails, STATUS_DETAILS_KEY } from '../../contract/rpc-status';
import { HANDSHAKE_MS } from './tls';

/** The first byte of a TLS handshake. */
const HANDSHAKE = 22;

/** What a client is told. */
const MESSAGE = 'this port speaks TLS alone: connect with TLS (logah: --tls)';

/** Hands connections that do not begin with TLS to a server that refuses every call. Call before others watch connections. */
export function answerPlainText(server: Http2Server): void {
  const plain = refusingServer();
  const accept = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const ignore = (): void => undefined;
    const timer = setTimeout(() => {
      socket.destroy();
    }, HANDSHAKE_MS);
    const forget = (): void => {
      clearTimeout(timer);
    };
    socket
      .on('error', ignore)
      .once('close', forget)
      .once('readable', () => {
        forget();
        const data = socket.read() as Buffer | null;
        if (data === null) {
          socket.destroy();
          return;
        }
        socket.off('error', ignore).off('close', forget);
        socket.unshift(data);
        if (data[0] !== HANDSHAKE) plain.emit('connection', socket);
        else for (const listener of accept) listener.call(server, socket);
      });
  });
}

function refusingServer(): Http2Server {
  const plain = createServer({ maxSessionMemory: 1, settings: { maxConcurrentStreams: 16 } });
  const details = encodeStatusDetails({
    code: status.FAILED_PRECONDITION,
    message: MESSAGE,
    reason: 'TLS_REQUIRED',
  });
  plain.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond(
      {
        [constants.HTTP2_HEADER_STATUS]: 200,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        'grpc-status': String(status.FAILED_PRECONDITION),
        'grpc-message': encodeURI(MESSAGE),
        [STATUS_DETAILS_KEY]: details.toString('base64'),
      },
      { endStream: true },
    );
  });
  plain.on('session', (session) => {
    session.on('error', () => undefined);
    session.setTimeout(HANDSHAKE_MS, () => {
      session.destroy();
    });
  });
  return plain;
}
