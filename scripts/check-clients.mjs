// Builds the clients in examples/clients whose toolchain the machine has, and runs them against a server of its own: their
// files must equal that of the TypeScript client byte for byte, and no fault of an answer may leave a file behind.
//
//   node scripts/check-clients.mjs [--require go,cpp,java] [--only go]
//
// Fails where a client fails, where a required one had to be skipped, and where all were. Needs the build in dist/.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BREAKS, FAULTS, STALL, startFaultyProxy } from './faulty-proxy.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist/cli/main.js');
const config = join(root, 'examples/vit-tiny-patch16-224/config.json');
const SEED = '7';

/** What each client needs to be built: commands that answer, with what to look for. */
const NEEDS = {
  go: [
    ['go', 'version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'protoc-gen-go', 'protoc-gen-go-grpc'],
    [
      'ls',
      '/usr/share/gocode/src/google.golang.org/grpc',
      '/usr/share/gocode/src/google.golang.org/protobuf',
    ],
  ],
  cpp: [
    ['g++', '--version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'grpc_cpp_plugin'],
    ['pkg-config', '--exists', 'grpc++', 'protobuf', 'zlib'],
  ],
  java: [
    ['javac', '-version'],
    ['make', '--version'],
    ['protoc', '--version'],
    ['which', 'grpc_java_plugin'],
    [
      'ls',
      '/usr/share/java/grpc-netty.jar',
      '/usr/share/java/netty-codec-http2.jar',
      '/usr/share/java/perfmark-api.jar',
    ],
  ],
};

/** How each is called. */
const ARGUMENTS = {
  go: (server, file, out) => ['-seed', SEED, server, file, out],
  cpp: (server, file, out) => [server, file, out, SEED],
  java: (server, file, out) => [server, file, out, SEED],
};

/** Milliseconds; a client that hangs has failed. */
const LIMIT = 120_000;

const { values } = parseArgs({
  options: {
    require: { type: 'string', default: '' },
    only: { type: 'string', default: Object.keys(NEEDS).join() },
  },
});
const [required, chosen] = [values.require, values.only].map((names) => names.split(',').filter(Boolean));
const unknown = [...required, ...chosen].filter((language) => !(language in NEEDS));
if (unknown.length > 0) {
  throw new Error(`there are ${Object.keys(NEEDS).join(', ')}, not ${unknown.join(', ')}`);
}

const missing = (language) => NEEDS[language].find((command) => !succeeds(command))?.join(' ');

function succeeds([command, ...args]) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts `logah serve` on a free port and gives its address. */
async function startServer() {
  const server = spawn(
    process.execPath,
    [cli, 'serve', '--address', '127.0.0.1:0', '--execution-provider', 'cpu'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.once('exit', () => server.kill('SIGKILL'));
  for await (const line of createInterface({ input: server.stdout })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'listening') {
      server.stdout.resume();
      return { address: `127.0.0.1:${entry.port}`, stop: () => server.kill('SIGTERM') };
    }
  }
  throw new Error('the server ended before it listened');
}

/** Runs a program to its end, asynchronously: the proxy answers it from this process. */
function run(program, args, onStart = () => undefined) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: LIMIT });
    onStart(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject).on('close', (code) => resolve({ code, stderr }));
  });
}

/** What is wrong with a client, as lines; empty if all is right. */
async function faultsOf(language, server, proxy, expected, directory) {
  const program = join(root, 'examples/clients', language, 'build/predict');
  const out = join(directory, `${language}.safetensors`);
  const wrong = [];
  const predict = (address, file = config) => run(program, ARGUMENTS[language](address, file, out));

  const { code, stderr } = await predict(server);
  if (code !== 0) return [`exit code ${code}: ${stderr}`];
  if (!readFileSync(out).equals(expected)) wrong.push('its file differs from that of the TypeScript client');

  for (const [name, fault] of Object.entries(BREAKS)) {
    proxy.choose(fault);
    const result = await predict(proxy.address);
    const { count, faults } = proxy.attempts();
    if (result.code !== 0)
      wrong.push(`${name}: exit code ${result.code} at attempt ${count}: ${result.stderr}`);
    else if (!readFileSync(out).equals(expected)) wrong.push(`${name}: other bytes`);
    wrong.push(...faults.map((line) => `${name}: ${line}`));
  }

  // What follows must leave this as it is.
  writeFileSync(out, 'an older file');
  const leavesNothing = (what) => {
    const left = readdirSync(directory).filter((name) => name.startsWith(`${language}.`));
    if (left.length !== 1 || readFileSync(out, 'utf8') !== 'an older file') {
      wrong.push(`${what}: left ${left.join(', ')}`);
    }
  };
  const refuses = async (what, says, address, file) => {
    const result = await predict(address, file);
    if (result.code !== 1 || !says.test(result.stderr)) {
      wrong.push(`${what}: exit code ${result.code}, expected 1 and ${says}; it said: ${result.stderr}`);
    }
    leavesNothing(what);
  };
  for (const [name, fault] of Object.entries(FAULTS)) {
    proxy.choose(fault);
    await refuses(name, fault.says, proxy.address);
  }
  const refused = join(directory, 'refused.json');
  writeFileSync(refused, readFileSync(config, 'utf8').replace('"hidden_size": 192', '"hidden_size": 0'));
  await refuses('a configuration that is refused', /invalid_?argument.*hidden_size/is, server, refused);
  await refuses('a configuration that is not there', /none\.json/, server, join(directory, 'none.json'));
  // Port 1 of the loopback: nobody listens.
  await refuses('a server that is not there', /unavailable.*refused/is, '127.0.0.1:1');
  proxy.choose(STALL);
  const stopped = await run(program, ARGUMENTS[language](proxy.address, config, out), (child) => {
    const watcher = watch(directory, (_, name) => {
      if (!name?.startsWith(`${language}.`) || !name.endsWith('.partial')) return;
      watcher.close();
      child.kill('SIGINT');
    });
  });
  if (stopped.code === 0) wrong.push('an interruption: exit code 0');
  leavesNothing('an interruption');
  return wrong;
}

const directory = mkdtempSync(join(tmpdir(), 'logah-clients-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const skipped = [];
const built = [];
for (const language of chosen) {
  const lacks = missing(language);
  if (lacks === undefined) {
    execFileSync('make', ['-C', join(root, 'examples/clients', language)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    built.push(language);
  } else {
    console.log(`skipped ${language}: "${lacks}" fails`);
    skipped.push(language);
  }
}
const lacking = required.filter((language) => skipped.includes(language));
if (lacking.length > 0) console.log(`required, but skipped: ${lacking.join(', ')}`);
const failed = [];
if (built.length > 0) {
  const server = await startServer();
  const typescript = join(directory, 'typescript');
  execFileSync(
    process.execPath,
    [cli, 'predict', config, '--out', typescript, '--server', server.address, '--seed', SEED, '--quiet'],
    {
      stdio: 'ignore',
    },
  );
  const expected = readFileSync(join(typescript, 'model.safetensors'));
  const proxy = await startFaultyProxy(server.address);
  for (const language of built) {
    const wrong = await faultsOf(language, server.address, proxy, expected, directory);
    if (wrong.length > 0) failed.push(language);
    console.log(
      wrong.length === 0
        ? `${language}: the same ${expected.length} bytes, also behind ${Object.keys(BREAKS).length} breaks, and ` +
            `${Object.keys(FAULTS).length + 4} faults refused`
        : `${language}:\n  ${wrong.join('\n  ')}`,
    );
  }
  proxy.stop();
  server.stop();
}
console.log(`${built.length - failed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length > 0 || lacking.length > 0 || built.length === 0 ? 1 : 0;
