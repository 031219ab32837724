#!/usr/bin/env bash
# A grpc-js server holds the bytes of every request as long as the answer's stream lasts, whatever was made of them.
#
# Guess: once a request has been deserialised, and its handler refers to nothing of it, its bytes are garbage.
# Seen:  where it came in several pieces, they stay beside the decoder of the call, which lives as long as the stream:
#        streams of hours that began with large requests (models, graphs, pictures) hold all of them. What the request was
#        deserialised to stays as well (in `call.request`, and in the call's own hands where a handler clears that).
# With:  @grpc/grpc-js 1.14.7, Node.js 20.20.2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >server.cjs <<'NODE'
const grpc = require('@grpc/grpc-js');

const METHOD = {
  path: '/probe.Probe/Read',
  requestStream: false,
  responseStream: true,
  requestSerialize: (value) => value,
  requestDeserialize: process.argv[2] === 'length' ? (bytes) => ({ length: bytes.length }) : (bytes) => ({ bytes }),
  responseSerialize: (value) => value,
  responseDeserialize: (value) => value,
};

const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
server.addService(
  { Read: METHOD },
  {
    Read: (call) => {
      // All that this handler knows of the request.
      call.request = undefined;
      call.write(Buffer.alloc(1));
    },
  },
);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send({ port });
});
process.on('message', async () => {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.send({ held: process.memoryUsage().arrayBuffers });
});
NODE
cat >probe.cjs <<'NODE'
const { fork } = require('node:child_process');
const { once } = require('node:events');
const grpc = require('@grpc/grpc-js');

const STREAMS = 10;
const REQUEST = Buffer.alloc(4 * 2 ** 20, 1);
const same = (value) => value;

/** Bytes of requests that a server holds while their streams are open, and when they have ended. */
async function heldBy(kind) {
  const server = fork('./server.cjs', [kind], { execArgv: ['--expose-gc'] });
  const [{ port }] = await once(server, 'message');
  const held = async () => {
    server.send('held');
    return (await once(server, 'message'))[0].held;
  };
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
  const rest = await held();
  const calls = [];
  for (let made = 0; made < STREAMS; made++) {
    const call = client.makeServerStreamRequest('/probe.Probe/Read', same, same, REQUEST);
    call.on('error', () => undefined);
    await once(call, 'data');
    calls.push(call);
  }
  const open = (await held()) - rest;
  for (const call of calls) call.cancel();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const ended = (await held()) - rest;
  client.close();
  server.kill();
  return [open, ended].map((bytes) => bytes / (STREAMS * REQUEST.length));
}

async function main() {
  const [length, lengthEnded] = await heldBy('length');
  const [bytes, bytesEnded] = await heldBy('bytes');
  console.log(
    `${process.version}: of each request a stream holds ${length.toFixed(2)} times its bytes where it was made a number, ` +
      `${bytes.toFixed(2)} where the bytes were kept and then cleared; when the streams have ended, ` +
      `${lengthEnded.toFixed(2)} and ${bytesEnded.toFixed(2)}`,
  );
  const isSo = length > 0.8 && lengthEnded < 0.3;
  process.exit(isSo ? 0 : 1);
}

main();
NODE
node probe.cjs
