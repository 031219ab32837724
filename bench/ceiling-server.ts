/**
 * The ceiling: a grpc-js server that does nothing but send one prepared buffer again and again. A process of its own;
 * tells its parent its port.
 */

import { once } from 'node:events';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { CEILING_METHOD, FLOW_CONTROL_WINDOW, type CeilingRequest } from './ceiling';

let prepared = Buffer.alloc(0);

async function answer(call: ServerWritableStream<CeilingRequest, Buffer>): Promise<void> {
  const { bytes, chunkBytes } = call.request;
  if (prepared.length !== chunkBytes) prepared = Buffer.alloc(chunkBytes, 'ceiling');
  for (let left = bytes; left > 0; left -= chunkBytes) {
    const chunk = left < chunkBytes ? prepared.subarray(0, left) : prepared;
    if (!call.write(chunk)) await once(call, 'drain');
  }
  call.end();
}

const server = new Server({ 'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW });
server.addService(
  { Read: CEILING_METHOD },
  {
    Read: (call: ServerWritableStream<CeilingRequest, Buffer>) => {
      answer(call).catch((error: unknown) => {
        call.destroy(error as Error);
      });
    },
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ port });
});
process.once('disconnect', () => {
  server.forceShutdown();
});
