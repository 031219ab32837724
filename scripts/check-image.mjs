// Runs an unpacked image as a container would, and checks it: check-image.mjs ROOT IMAGE_JSON. It runs in a mount namespace of
// its own, as the image's user, without capabilities and on a read-only root. Prints one JSON object; `faults` is empty where
// everything is as docs/deployment.md has it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const [root, imageFile] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const grpc = require('@grpc/grpc-js');
const { service: health } = require('grpc-health-check');

const SIZE_LIMIT = 250e6;
const SERVING_LIMIT_SECONDS = 2;
const STARTS = 5;

const { config } = JSON.parse(readFileSync(imageFile, 'utf8')).OCIv1;
const faults = [];
const expect = (holds, fault) => {
  if (!holds) faults.push(fault);
};

/** A path of the image's working directory as it is from the root, where `chroot` begins. */
const fromRoot = (word) =>
  existsSync(join(root, config.WorkingDir, word)) && !word.startsWith('/')
    ? join(config.WorkingDir, word)
    : word;

/** Starts the image's entry point with these words. This machine's shell prepares the root: the image has none. */
function start(words, environment = {}) {
  const [uid, gid] = config.User.split(':');
  for (const name of ['dev', 'proc']) mkdirSync(join(root, name), { recursive: true });
  const prepare =
    'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -o remount,bind,ro "$0" && ' +
    `mount --bind /dev "$0/dev" && exec setpriv --no-new-privs chroot --userspec=${uid}:${gid} --groups= "$0" "$@"`;
  const inside = [...config.Entrypoint, ...words].map(fromRoot);
  return spawn('unshare', ['--mount', 'sh', '-c', prepare, root, ...inside], {
    env: {
      ...Object.fromEntries(config.Env.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the image's entry point to its end. */
async function run(words, environment) {
  const child = start(words, environment);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** A server of the image on a free port, once it says that it is SERVING. */
async function serve() {
  const begun = performance.now();
  const child = start(config.Cmd, { LOGAH_ADDRESS: '127.0.0.1:0' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part) => (stderr += part));
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line);
      if (entry.msg === 'listening') resolve(entry.port);
    });
    child.on('close', (code) => reject(new Error(`the image ended with code ${code}: ${stderr}`)));
  });
  const address = `127.0.0.1:${port}`;
  const status = await askHealth(address);
  const seconds = (performance.now() - begun) / 1000;
  // User and system time in hundredths of a second: on a machine that does other things, the time on the clock says little.
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ');
  const cpuSeconds = (Number(fields[13]) + Number(fields[14])) / 100;
  return { child, address, status, seconds, cpuSeconds };
}

function askHealth(address) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = health.Check;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: '' },
      (error, response) => {
        client.close();
        if (error) reject(error);
        else resolve(response.status);
      },
    );
  });
}

async function stop({ child }) {
  const begun = performance.now();
  child.kill('SIGTERM');
  const [code, signal] = await once(child, 'exit');
  return { code, signal, seconds: (performance.now() - begun) / 1000 };
}

/** What a user of the image could write to, and programs that would change the user. */
function find(...test) {
  const { stdout } = spawnSync('find', [root, '-xdev', ...test, '-printf', '/%P\n'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((path) => path !== '' && !/^\/(dev|proc)(\/|$)/.test(path))
    .sort();
}

const [uid, gid] = config.User.split(':');
const writable = find('!', '-type', 'l', '(', '-perm', '-o=w', '-o', '-uid', uid, '-o', '-gid', gid, ')');
const privileged = find('-perm', '/6000');
const shells = ['/bin/sh', '/usr/bin/sh', '/bin/bash', '/usr/bin/bash', '/bin/busybox'].filter((path) =>
  existsSync(join(root, path)),
);
const { stdout: usage } = spawnSync('du', ['--summarize', '--block-size=1', '--apparent-size', root], {
  encoding: 'utf8',
});
const bytes = Number(usage.split('\t')[0]);
const sizes = Object.fromEntries(
  [
    'usr/local/bin/node',
    'app/node_modules/onnxruntime-node',
    'app/node_modules',
    'app/models',
    'app/dist',
    'usr/lib',
  ].map((path) => [
    path,
    Number(
      spawnSync('du', ['--summarize', '--block-size=1', '--apparent-size', join(root, path)], {
        encoding: 'utf8',
      }).stdout.split('\t')[0],
    ),
  ]),
);
expect(uid !== '0' && /^\d+$/.test(uid), `runs as ${config.User}`);
expect(
  writable.every((path) => path === '/tmp'),
  `writable: ${writable.join(', ')}`,
);
expect(privileged.length === 0, `setuid or setgid: ${privileged.join(', ')}`);
expect(shells.length === 0, `shells: ${shells.join(', ')}`);
expect(bytes < SIZE_LIMIT, `${bytes} bytes; ${SIZE_LIMIT} are allowed`);

const starts = [];
const cpu = [];
let stopped;
for (let count = 0; count < STARTS; count++) {
  const server = await serve();
  expect(server.status === 'SERVING', `health is ${server.status}`);
  starts.push(server.seconds);
  cpu.push(server.cpuSeconds);
  if (count === STARTS - 1) {
    const asked = await run(['health', '--server', server.address]);
    expect(asked.code === 0, `the health check ended with ${asked.code}: ${asked.stderr}`);
    const predicted = await run(['bench', '--server', server.address, '--repeats', '1', '--json']);
    expect(predicted.code === 0, `a prediction ended with ${predicted.code}: ${predicted.stderr}`);
  }
  stopped = await stop(server);
  expect(stopped.code === 0, `SIGTERM: exit code ${stopped.code}, signal ${stopped.signal}`);
}
starts.sort((one, other) => one - other);
const median = starts[Math.floor(starts.length / 2)];
expect(median < SERVING_LIMIT_SECONDS, `SERVING after ${median} s`);

const { code, stdout, stderr } = await run(['check', '--execution-provider', 'cpu', '--json']);
expect(code === 0, `logah check ended with ${code}: ${stderr}`);
const check = code === 0 ? JSON.parse(stdout) : undefined;

const labels = Object.keys(config.Labels ?? {});
for (const name of ['title', 'description', 'licenses', 'version', 'revision']) {
  expect(labels.includes(`org.opencontainers.image.${name}`), `no label ${name}`);
}
const sbom = JSON.parse(readFileSync(join(root, config.WorkingDir, 'sbom.cdx.json'), 'utf8'));
expect(sbom.bomFormat === 'CycloneDX' && sbom.components.length > 5, 'no SBOM');

const round = (value) => Math.round(value * 1000) / 1000;
console.log(
  JSON.stringify({
    bytes,
    largestParts: sizes,
    user: config.User,
    writable,
    secondsToServing: { median: round(median), least: round(starts[0]), most: round(starts.at(-1)) },
    cpuSecondsToServing: round(cpu.sort((one, other) => one - other)[Math.floor(cpu.length / 2)]),
    loadAverage: round(loadavg()[0]),
    sigterm: { code: stopped.code, seconds: round(stopped.seconds) },
    check: check && {
      isRight: check.isRight,
      largestError: check.largestError,
      machine: check.machine.processor,
    },
    sbom: { format: `${sbom.bomFormat} ${sbom.specVersion}`, components: sbom.components.length },
    faults,
  }),
);
