#!/usr/bin/env bash
# A client of Node.js whose HTTP/2 window has W bytes gets W / 2 in a round trip, not W.
#
# Guess: a stream whose reader keeps up carries its window in every round trip, so W = bandwidth * round trip is enough.
# Seen:  half of that. Node.js (nghttp2) sends a WINDOW_UPDATE only when half of the window has been read, and never for what
#        has been read beyond it: after the first window, every update is for W / 2, and the next comes a round trip later.
#        Only a window of twice the product of bandwidth and round trip keeps a line full.
# With:  @grpc/grpc-js 1.14.7, Node.js 20.20.2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >probe.cjs <<'NODE'
const net = require('node:net');
const grpc = require('@grpc/grpc-js');

const WINDOW = 4 * 2 ** 20;
const ROUND_TRIP_MS = 200;
const ROUND_TRIPS = 20;
const MESSAGE = Buffer.alloc(2 ** 16);

const METHOD = {
  path: '/probe.Probe/Read',
  requestStream: false,
  responseStream: true,
  requestSerialize: (value) => value,
  requestDeserialize: (value) => value,
  responseSerialize: (value) => value,
  responseDeserialize: (value) => value,
};

/** Writes as long as there is room. */
function serve(call) {
  const more = () => {
    while (call.write(MESSAGE));
  };
  call.on('drain', more);
  call.on('cancelled', () => call.removeListener('drain', more));
  more();
}

/** Everything, half a round trip later. */
function passOn(from, to) {
  from.on('data', (data) => setTimeout(() => to.write(data), ROUND_TRIP_MS / 2));
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

async function main() {
  const server = new grpc.Server();
  server.addService({ Read: METHOD }, { Read: serve });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const line = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    near.setNoDelay(true);
    far.setNoDelay(true);
    passOn(near, far);
    passOn(far, near);
  });
  await new Promise((resolve) => line.listen(0, '127.0.0.1', resolve));
  const client = new grpc.Client(`127.0.0.1:${line.address().port}`, grpc.credentials.createInsecure(), {
    'grpc-node.flow_control_window': WINDOW,
  });
  const call = client.makeServerStreamRequest(
    METHOD.path,
    METHOD.requestSerialize,
    METHOD.responseDeserialize,
    Buffer.from('x'),
  );
  let bytes = 0;
  let began;
  call.on('data', (message) => {
    began ??= performance.now();
    bytes += message.length;
  });
  call.on('error', () => undefined);
  await new Promise((resolve) => call.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, ROUND_TRIP_MS * ROUND_TRIPS));
  const perRoundTrip = bytes / ((performance.now() - began) / ROUND_TRIP_MS);
  const part = perRoundTrip / WINDOW;
  console.log(
    `Node.js ${process.versions.node}, nghttp2 ${process.versions.nghttp2}: a window of ${WINDOW} bytes carries ` +
      `${Math.round(perRoundTrip)} a round trip, ${part.toFixed(2)} of it`,
  );
  process.exit(part > 0.3 && part < 0.75 ? 0 : 1);
}

main();
NODE
node probe.cjs
