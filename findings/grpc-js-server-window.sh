#!/usr/bin/env bash
# A grpc-js server does not read grpc-node.flow_control_window: uploads have HTTP/2's 64 KiB window whatever it says.
#
# Guess: the channel option that widens a client's receive window widens a server's too, where it is passed to `new Server`.
# Seen:  the client sends SETTINGS with the window of the option, the server the default of 65,535 bytes: large requests
#        (ONNX files, graphs) wait a round trip for every 64 KiB.
# With:  @grpc/grpc-js 1.14.7, Node.js 20 and later
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >probe.cjs <<'NODE'
const http2 = require('node:http2');
const grpc = require('@grpc/grpc-js');

const WINDOW = 8 * 1024 * 1024;
const options = { 'grpc-node.flow_control_window': WINDOW };

/** What a peer said of its window. */
const saidBy = (session) =>
  new Promise((resolve) => {
    session.once('remoteSettings', ({ initialWindowSize }) => resolve(initialWindowSize));
  });

async function main() {
  const server = new grpc.Server(options);
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const ofServer = await saidBy(session);
  session.destroy();
  server.forceShutdown();

  const plain = http2.createServer();
  const ofClient = new Promise((resolve) => plain.once('session', (peer) => resolve(saidBy(peer))));
  await new Promise((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const client = new grpc.Client(
    `127.0.0.1:${plain.address().port}`,
    grpc.credentials.createInsecure(),
    options,
  );
  client.waitForReady(Date.now() + 10_000, () => undefined);
  console.log(`asked for ${WINDOW}: the client says ${await ofClient}, the server ${ofServer}`);
  const isSo = (await ofClient) === WINDOW && ofServer === 65_535;
  process.exit(isSo ? 0 : 1);
}

main();
NODE
node probe.cjs
