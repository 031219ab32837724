/** Calls of methods that the server does not have: grpc-js refuses them before any interceptor hears of them. */

import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { OTHER_METHOD } from './metrics';
import type { Telemetry } from './telemetry';

/** Counts and logs them; `methods` are the paths that there are. */
export function countUnknownMethods(
  server: Http2Server,
  methods: ReadonlySet<string>,
  telemetry: Telemetry,
): void {
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const path = headers[':path'];
    if (path === undefined || methods.has(path)) return;
    const record = telemetry.begin(OTHER_METHOD);
    record.status = status.UNIMPLEMENTED;
    const { remoteAddress = '', remotePort = 0 } = stream.session?.socket ?? {};
    stream.once('close', () => {
      telemetry.end(record, { requestId: '', caller: '', peer: `${remoteAddress}:${remotePort}` }, undefined);
    });
  });
}
