/** Names in the certificates that clients show. */

import type { ServerHttp2Stream } from 'node:http2';
import { TLSSocket } from 'node:tls';

/** An entry as Node.js writes it: "DNS:a", or with quotes and escapes where the value could be mistaken for several. */
const ENTRY = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/**
 * The subject alternative names of the certificate behind a stream, "TYPE:VALUE"; none where TLS asked for none, or did not
 * approve of it.
 */
export function certificateNames(stream: ServerHttp2Stream | undefined): readonly string[] {
  const socket = socketOf(stream);
  if (socket?.authorized !== true) return [];
  return namesIn(socket.getPeerX509Certificate()?.subjectAltName ?? '');
}

/** Splits what Node.js says of a certificate's names; entries that it had to quote keep their meaning. */
export function namesIn(text: string): readonly string[] {
  return [...text.matchAll(ENTRY)].flatMap(([, type = '', value = '']) => {
    if (!value.startsWith('"')) return [`${type}:${value}`];
    const parsed = JSON.parse(value) as unknown;
    return typeof parsed === 'string' ? [`${type}:${parsed}`] : [];
  });
}

function socketOf(stream: ServerHttp2Stream | undefined): TLSSocket | undefined {
  const socket: unknown = stream?.session?.socket;
  return socket instanceof TLSSocket ? socket : undefined;
}
